"""The protocol of this room: each file has `exhibit(evidence) -> Exhibit`; `contents` lists them in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from analysis.fitted_model import Model

QUESTIONS = {
    "treatments": "Which treatments make a difference, and what ranks highest?",
    "strategies": "Which strategy works best, and what does each further source add?",
    "sources": "Which sources matter, and for which target?",
    "spread": "How much do scores vary, and how reliable are they?",
    "representations": "What do the representations contain?",
    "own": "What do the study's own models say?",
    "models": "Do the models hold?",
    "runs": "What was run?",
}
"""In the order of the page."""


@dataclass(frozen=True)
class Picture:
    """A picture to draw, under its file name, or the reason why these rows do not give it."""

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure] | None


@dataclass(frozen=True)
class Table:
    """A table under its file name; `on_page` False for those too long to be read there."""

    name: str
    title: str
    note: str
    frame: pd.DataFrame
    on_page: bool = True


@dataclass(frozen=True)
class Exhibit:
    """One subject of the report, under one of its `QUESTIONS`.

    `headline` sentences belong to the answer, `sentences` stand below it. `verdicts` has a row for each effect that
    these sentences state, as `analysis.verdict_rows` has them.
    """

    name: str
    question: str
    shown: tuple[Picture | Table, ...] = ()
    sentences: tuple[str, ...] = ()
    headline: tuple[str, ...] = ()
    verdicts: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def figures(self) -> tuple[Picture, ...]:
        """Its pictures, those that these rows do not give among them."""
        return tuple(one for one in self.shown if isinstance(one, Picture))

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its tables."""
        return tuple(one for one in self.shown if isinstance(one, Table))


def picture_of_model(
    name: str, title: str, model: Model, caption: str, draw: Callable[[], Figure], beside: Model | None = None
) -> Picture:
    """A picture of a model's effects; its caption says what the model left out, or why it has no fit."""
    if model.fit is None:
        return Picture(name, title, f"Not drawn: the model has no fit, because {model.why_not}.", None)
    left_out = "; ".join(f"{term} ({why})" for term, why in model.coding.left_out.items())
    if beside is not None and beside.fit is not None:
        caption += f" Thin grey lines: intervals of model {beside.name}."
    if model.refits is not None:
        caption += " Thin lines: percentile intervals of the parametric bootstrap."
    return Picture(name, title, caption + (f" Left out: {left_out}." if left_out else ""), draw)
