"""The story of this wing: rows -> table -> fits -> findings, figures, tables -> one page.

Everything that the page says is also in fit.json and tables/*.csv, and every picture in figures/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.components import Components, source_components
from analysis.exhibits import learning_curves
from analysis.exhibits.exhibit import Picture, Table
from analysis.exhibits.model_exhibits import behind_models
from analysis.exhibits.representation_map import Kept
from analysis.exhibits.score_exhibits import beside_models
from analysis.figures import drawing, save
from analysis.fitting.engines import NATIVE, require_engine
from analysis.formulas.further_contrasts import with_own_contrasts
from analysis.formulas.further_models import own_models
from analysis.models import Model, size_model, strategy_model
from analysis.report import cross_check as checks
from analysis.report import further_model_exhibits as own_exhibits
from analysis.report.draws import write_draws
from analysis.report.findings import findings
from analysis.report.fit_json import fit_record
from analysis.report.latex import latex
from analysis.report.page import render_page
from analysis.report.pictures import pictures
from analysis.report.tables import tables
from analysis.results_table import ResultsTable, results_table
from study.core.factors import Level
from study.core.study_file import AnalysisSection


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
    engine: str = NATIVE,
    cross_check: str | None = None,
    own: AnalysisSection | None = None,
    further: Callable[[Model, ResultsTable], Sequence[str]] = lambda model, table: (),
    kept: Kept | None = None,
    topics: pd.DataFrame | None = None,
    provenance: Mapping[str, str] | None = None,
    curves: pd.DataFrame | None = None,
) -> Analysis:
    """Analyse result rows and write the report to `out`: index.html, fit.json, tables/*.csv, figures/*.{png,svg}.

    `metric_of` names each target's primary metric and may be empty for a table with one metric a target; `source_names`
    may be None to read them off the columns. `plan` (as plan.parquet) tells what was planned. `factors` are the levels
    of further factors in the study's order; None, those that occur, ascending. `bootstrap` refits from `seed` give
    percentile intervals beside the others. `engine` fits the models (the components and what else is refitted are
    native); `cross_check` names another one that fits them once more.

    `own` are the study's own models and contrasts, without faults that `study check` would tell.

    `further` gives sentences on the first model that ask for more than the results: what runs are still to come.
    `kept` gives kept representations, and `topics` (`source, topic, terms`) what their topics are. `curves` are the
    losses of trainings (`analysis.exhibits.learning_curves`). `provenance` is what else is known of the data, by name.

    Raises `InputFaults` for rows that cannot be used, and for an engine that is not there. A model that these rows do
    not determine is no error, but is said on the page.
    """
    engine_versions = require_engine("--engine", engine, others=False)
    if cross_check:
        require_engine("--cross-check", cross_check)
    table = results_table(results, metric_of, source_names, mix_versions)
    own = own or AnalysisSection()
    levels = table.factor_levels if factors is None else factors
    children = np.random.default_rng(seed).spawn(4 + len(own.model))
    for_strategy, for_size, for_components, for_diagnostics, *for_own = children
    of_formulas = own_models(own.model, table, levels, bootstrap, for_own, engine)
    strategy = strategy_model(table, levels, bootstrap, for_strategy, engine)
    size = size_model(table, bootstrap, for_size, engine)
    models = with_own_contrasts((strategy, size, *of_formulas), own.contrast)
    strategy, size, *_ = models
    components = tuple(source_components(table, for_components))
    beside, on_scores = beside_models(table, strategy, components, kept, topics, seed)
    behind, on_models = behind_models(table, models, levels, for_diagnostics)
    sentences = (*findings(table, strategy, size), *on_models, *on_scores, *further(strategy, table))
    checked = checks.compare(cross_check, models) if cross_check else None
    on_check = tuple(checks.sentences(checked)) if checked else ()

    out.mkdir(parents=True, exist_ok=True)
    exhibits = [
        *pictures(table, strategy, size, components),
        *tables(table, strategy, size, components),
        *behind,
        *beside,
        *own_exhibits.pictures(models),
        *own_exhibits.tables(models),
        *learning_curves.exhibits(table.sources, curves),
        *([checked.table()] if checked else []),
    ]
    drawn = _draw([one for one in exhibits if isinstance(one, Picture)], out / "figures")
    written = [one for one in exhibits if isinstance(one, Table)]
    _write(written, out / "tables")
    for model in models:
        if model.refits:
            write_draws(model, seed, out / "tables" / f"{model.name}_draws.parquet")
    fit = fit_record(models, components)
    (out / "fit.json").write_text(json.dumps(fit, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    page = out / "index.html"
    page.write_text(
        render_page(
            study_name,
            results,
            table,
            models,
            components,
            sentences,
            engine_versions,
            on_check,
            drawn,
            written,
            plan,
            provenance or {},
        ),
        encoding="utf-8",
    )
    return Analysis(table, strategy, size, components, sentences, on_check, page)


def _draw(pictures: Sequence[Picture], folder: Path) -> list[tuple[Picture, Path | None]]:
    """Each picture with the PNG that was drawn of it, if any."""
    with drawing():
        return [(one, save(one.draw(), folder, one.name) if one.draw else None) for one in pictures]


def _write(tables: Sequence[Table], folder: Path) -> None:
    """Every table as CSV, those of the page as LaTeX too."""
    folder.mkdir(exist_ok=True)
    for one in tables:
        one.frame.to_csv(folder / f"{one.name}.csv", index=False)
        if one.on_page:
            (folder / f"{one.name}.tex").write_text(latex(one), encoding="utf-8")
