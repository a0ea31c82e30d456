"""What the report shows: pictures and tables, each under one of the page's questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

QUESTIONS = {
    "strategies": "Which strategy, and what does each further source add?",
    "sources": "Which sources matter, and for which target?",
    "spread": "How far do scores spread, and how far can one be trusted?",
    "representations": "What do the representations hold?",
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
    question: str = "models"


@dataclass(frozen=True)
class Table:
    """A table under its file name; `on_page` False for those too long to be read there."""

    name: str
    title: str
    note: str
    frame: pd.DataFrame
    on_page: bool = True
    question: str = "models"
