"""The report: one HTML file with everything in it, to be read without a network."""

from __future__ import annotations

import base64
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from analysis.components import FORMULA, Components
from analysis.exhibits.exhibit import QUESTIONS, Picture, Table
from analysis.figures import PNG_DPI
from analysis.models import Model
from analysis.report.methods import methods_paragraph
from analysis.report.tables import shown
from analysis.results_table import ResultsTable

LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib")
SENTENCES_IN_THE_ANSWER = 5
ROWS_OPEN = 16
"""Tables of more rows are folded."""
PROVENANCE = (
    "data_fingerprint",
    "code_version",
    "train_scores_version",
    "probe_scores_version",
    "device",
    "precision",
    "threads",
)


def render_page(
    study_name: str,
    rows: pd.DataFrame,
    table: ResultsTable,
    models: Sequence[Model],
    components: Sequence[Components],
    findings: Sequence[str],
    engine_versions: Mapping[str, str],
    cross_check: Sequence[str],
    pictures: Sequence[tuple[Picture, Path | None]],
    tables: Sequence[Table],
    plan: pd.DataFrame | None,
    provenance: Mapping[str, str],
) -> str:
    """The page as HTML; `provenance` is what is known of it beside the rows.

    All text from outside is escaped; pictures (with the PNG drawn, if any) are embedded."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = shown
    environment.tests["numeric"] = pd.api.types.is_numeric_dtype
    versions = {"Python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    versions |= engine_versions
    return environment.get_template("page.html.j2").render(
        study_name=study_name,
        table=table,
        models=models,
        components=components,
        components_formula=FORMULA,
        answer=findings[:SENTENCES_IN_THE_ANSWER],
        besides=findings[SENTENCES_IN_THE_ANSWER:],
        cross_check=cross_check,
        figures=_by_question(
            [(picture, _embedded(path) if path else None) for picture, path in pictures], lambda one: one[0].question
        ),
        tables=_by_question([one for one in tables if one.on_page], lambda one: one.question),
        rows_open=ROWS_OPEN,
        methods=methods_paragraph(table, models, components, tables, versions),
        planned=_planned(table, plan),
        versions=versions,
        provenance={**_provenance(rows), **provenance},
    )


def _by_question(items: Sequence[Any], question: Callable[[Any], str]) -> list[tuple[str, str, list[Any]]]:
    """Key, question and items of each question that has any, in the page's order."""
    under = {key: [one for one in items if question(one) == key] for key in QUESTIONS}
    assert sum(map(len, under.values())) == len(items), "an item stands under no question of the page"
    return [(key, QUESTIONS[key], some) for key, some in under.items() if some]


def _planned(table: ResultsTable, plan: pd.DataFrame | None) -> str | None:
    """How much of the plan has a score."""
    if plan is None:
        return None
    scored = set(table.scores["run_id"])
    done = sum(run in scored for run in plan["run_id"])
    return f"{done} of {len(plan)} planned runs have a score on at least one target."


def _provenance(rows: pd.DataFrame) -> Mapping[str, str]:
    """What the rows say of where they come from: every value that occurs."""
    told = {name: ", ".join(sorted(map(str, rows[name].dropna().unique()))) for name in PROVENANCE if name in rows}
    for name, edge in (("started_at", "min"), ("finished_at", "max")):
        if name in rows and rows[name].notna().any():
            told[name] = str(getattr(pd.to_datetime(rows[name], utc=True), edge)().floor("s"))
    return told


def _embedded(png: Path) -> tuple[str, int]:
    """A PNG as base64, and its width in CSS pixels (of which an inch has 96)."""
    data = png.read_bytes()
    return base64.b64encode(data).decode(), int.from_bytes(data[16:20]) * 96 // PNG_DPI  # bytes 16-19: width, in IHDR
