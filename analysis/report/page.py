"""The report: one HTML file with everything in it, to be read without a network."""

from __future__ import annotations

import base64
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from PIL import Image

from analysis.components import FORMULA
from analysis.exhibits.answer import NAME as ANSWER
from analysis.exhibits.exhibit import QUESTIONS
from analysis.report.html import render
from analysis.report.methods import methods_paragraph
from analysis.report.score_grid import score_grid
from analysis.results_table import ResultsTable
from study.pages.figures import PNG_DPI

if TYPE_CHECKING:
    from analysis.analyze import Analysis

LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib")
COLOURS = 64
"""Of a figure on the page; its files have all."""
LARGE = 4_000_000
"""Pixels from which a figure is on the page at the size of the screen: those of many targets."""
ROWS_OPEN, ROWS_SHOWN = 16, 200
"""Tables of more rows are folded; of longer ones the first rows are on the page."""


def render_page(analysis: Analysis, pngs: Mapping[str, Path], written: Sequence[str]) -> str:
    """The page as HTML, the figures' PNGs embedded. `written` are the report's files beside it.

    All text from outside is escaped.
    """
    versions = {"Python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    versions |= analysis.engine_versions
    embedded = {name: _embedded(path) for name, path in pngs.items()}
    glance = [one for one in analysis.exhibits if one.name == ANSWER]
    others = [one for one in analysis.exhibits if one.name != ANSWER]
    sections = [(one, figure, embedded.get(figure.name)) for one in others for figure in one.figures]
    tables = [(one, table) for one in others for table in one.tables if table.on_page]
    further = [(one, sentence) for one in others for sentence in one.sentences]
    return render(
        "page.html.j2",
        analysis=analysis,
        table=analysis.table,
        components_formula=FORMULA,
        glance=[(figure, embedded.get(figure.name)) for one in glance for figure in one.figures],
        verdicts=next((table for one in glance for table in one.tables if table.name == ANSWER), None),
        further=_by_question(further),
        grid=score_grid(analysis.table),
        figures=_by_question(sections),
        tables=_by_question(tables),
        rows_open=ROWS_OPEN,
        rows_shown=ROWS_SHOWN,
        methods=methods_paragraph(analysis.evidence, [table for _, table in tables], versions),
        planned=_planned(analysis.table, analysis.options.plan),
        versions=versions,
        provenance={**analysis.table.provenance, **analysis.options.provenance},
        written=written,
    )


def _by_question(items: Sequence[tuple[Any, ...]]) -> list[tuple[str, str, list[Any]]]:
    """Key, question and items of each question that has any, in the page's order; an item's first part, its exhibit, is
    taken off."""
    under = {key: [rest for exhibit, *rest in items if exhibit.question == key] for key in QUESTIONS}
    return [(key, QUESTIONS[key], some) for key, some in under.items() if some]


def _planned(table: ResultsTable, plan: pd.DataFrame | None) -> str | None:
    """How much of the plan has a score."""
    if plan is None:
        return None
    scored = set(table.scores["run_id"])
    done = sum(run in scored for run in plan["run_id"])
    return f"{done} of {len(plan)} planned runs have a score on at least one target."


def _embedded(png: Path) -> tuple[str, int]:
    """A PNG in few colours as base64, a third of its size, and its width in CSS pixels (of which an inch has 96)."""
    buffer = BytesIO()
    with Image.open(png) as picture:
        width, height = (side * 96 // PNG_DPI for side in picture.size)
        shown = picture.convert("RGB")
    if shown.width * shown.height > LARGE:
        shown = shown.resize((width, height), Image.Resampling.BOX)
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode(), width
