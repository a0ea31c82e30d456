"""The story of this wing: rows -> table -> fits -> findings, figures, tables -> one page.

Everything that the page says is also in fit.json and tables/*.csv, and every picture in figures/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import cross_check as checks
from analysis.components import Components, source_components
from analysis.figures import drawing, save
from analysis.findings import findings
from analysis.fit_json import components_record, model_record, variance_components
from analysis.models import Model, size_model, strategy_model
from analysis.page import render_page
from analysis.pictures import pictures
from analysis.results_table import ResultsTable, results_table
from analysis.tables import tables
from study.factors import Level

COMPONENT_REPLICATES = 1000
"""Refits behind the components' intervals where no bootstrap is asked for: components never stand without intervals."""


@dataclass(frozen=True)
class Analysis:
    """What came out: the table, the models, the answer in sentences, those on the cross-check, and the page."""

    table: ResultsTable
    strategy: Model
    size: Model
    components: tuple[Components, ...]
    findings: tuple[str, ...]
    cross_check: tuple[str, ...]
    page: Path


def analyze(
    results: pd.DataFrame,
    metric_of: Mapping[str, str],
    source_names: Sequence[str] | None,
    out: Path,
    study_name: str,
    plan: pd.DataFrame | None = None,
    bootstrap: int = 0,
    seed: int = 0,
    factors: Mapping[str, Sequence[Level]] | None = None,
    mix_versions: bool = False,
    cross_check: str | None = None,
) -> Analysis:
    """Analyse result rows and write the report to `out`: index.html, fit.json, tables/*.csv, figures/*.{png,svg}.

    `metric_of` names each target's primary metric and may be empty for a table with one metric a target; `source_names`
    may be None to read them off the columns. `plan` (as plan.parquet) tells what was planned. `factors` are the levels
    of further factors in the study's order; None, those that occur, ascending. `bootstrap` refits from `seed` give
    percentile intervals beside the others. `cross_check` names another engine that fits the two models once more.

    Raises `InputFaults` for rows that cannot be used, and for an engine that is not there. A model that these rows do
    not determine is no error, but is said on the page.
    """
    if cross_check:
        checks.require_engine(cross_check)
    table = results_table(results, metric_of, source_names, mix_versions)
    for_strategy, for_size, for_components = np.random.default_rng(seed).spawn(3)
    strategy = strategy_model(table, table.factor_levels if factors is None else factors, bootstrap, for_strategy)
    size = size_model(table, bootstrap, for_size)
    components = tuple(source_components(table, bootstrap or COMPONENT_REPLICATES, for_components))
    sentences = findings(table, strategy, size)
    checked = checks.compare(cross_check, table, (strategy, size)) if cross_check else None
    on_check = tuple(checks.sentences(checked)) if checked else ()

    out.mkdir(parents=True, exist_ok=True)
    with drawing():
        drawn = [
            (picture, save(picture.draw(), out / "figures", picture.name) if picture.draw else None)
            for picture in pictures(table, strategy, size, components)
        ]
    written = [*tables(table, strategy, size, components), *([checked.table()] if checked else [])]
    (out / "tables").mkdir(exist_ok=True)
    for one in written:
        one.frame.to_csv(out / "tables" / f"{one.name}.csv", index=False)
    fit = {
        "models": {
            "strategy": model_record(strategy),
            "size": model_record(size),
            "components": components_record(components),
        },
        "variance_components": variance_components(components),
    }
    (out / "fit.json").write_text(json.dumps(fit, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    page = out / "index.html"
    page.write_text(
        render_page(
            study_name, results, table, (strategy, size), components, sentences, on_check, drawn, written, plan
        ),
        encoding="utf-8",
    )
    return Analysis(table, strategy, size, components, sentences, on_check, page)
