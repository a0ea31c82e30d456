"""The story of this wing: rows -> table -> models -> exhibits, and nothing written.

`Analysis` shows itself on a terminal and in a notebook; `analysis.report.write_report` makes the report of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.any_table import any_table
from analysis.components import Components, source_components
from analysis.contrasts import ALPHA
from analysis.evidence import Evidence
from analysis.exhibits import answer
from analysis.exhibits.contents import EXHIBITS, OF_TREATMENTS
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import drawn
from analysis.fitted_model import Fitting, Model
from analysis.fitting.engines import require_engine
from analysis.formulas.further_contrasts import with_own_contrasts
from analysis.formulas.further_models import own_models
from analysis.formulas.own_means import with_own_means
from analysis.models import (
    judged_again,
    paper_size_model,
    paper_strategy_model,
    size_model,
    strategy_model,
    treatment_model,
)
from analysis.options import MODELS, AnalysisOptions
from analysis.overview import as_html, as_text
from analysis.report.cross_check import CrossCheck, compare, sentences
from analysis.report.write_report import write_report
from analysis.results_table import ResultsTable, results_table
from analysis.roles import is_of_a_study
from analysis.verdict_rows import COLUMNS
from study.core.errors import Fault, InputFaults, nearest


@dataclass(frozen=True, repr=False)
class Analysis:
    """What came out: the models, the answer in sentences, tables and figures by name.

    Figures are drawn when they are called. `engine_versions` are those of another engine than our own.
    """

    evidence: Evidence
    exhibits: tuple[Exhibit, ...]
    checked: CrossCheck | None = None
    engine_versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> AnalysisOptions:
        """What was asked for."""
        return self.evidence.options

    @property
    def table(self) -> ResultsTable:
        """The scores, standardised, and what was left out."""
        return self.evidence.table

    @property
    def reading(self) -> tuple[str, ...]:
        """What the columns of a table of another field were taken for."""
        return tuple(self.table.roles.sentences()) if self.table.roles else ()

    @property
    def models(self) -> Mapping[str, Model]:
        """`strategy`, `size`, the paper's `paper_strategy` and `paper_size`, or `treatments`; and your own, by name."""
        return self.evidence.models

    @property
    def components(self) -> Mapping[str, Components]:
        """The sources' variance components, by target."""
        return self.evidence.components

    @property
    def answer(self) -> tuple[str, ...]:
        """The findings that answer the study's questions."""
        return tuple(sentence for one in self.exhibits for sentence in one.headline)

    @property
    def findings(self) -> tuple[str, ...]:
        """Every sentence: the answer first."""
        return (*self.answer, *(sentence for one in self.exhibits for sentence in one.sentences))

    @property
    def cross_check(self) -> tuple[str, ...]:
        """How far another engine agrees, where one was asked."""
        return tuple(sentences(self.checked)) if self.checked else ()

    @property
    def verdicts(self) -> pd.DataFrame:
        """`exhibit` and `analysis.verdict_rows.COLUMNS` of each effect that the findings state; simultaneous intervals
        and `p` within the family, Holm's p beside."""
        stated = [one.verdicts.assign(exhibit=one.name) for one in self.exhibits if len(one.verdicts)]
        columns = ["exhibit", *COLUMNS]
        return pd.concat(stated, ignore_index=True)[columns] if stated else pd.DataFrame(columns=columns)

    @cached_property
    def shown_tables(self) -> tuple[Table, ...]:
        """The tables with their titles and notes, in the order of the report."""
        tables = tuple(table for one in self.exhibits for table in one.tables)
        return (*tables, self.checked.table()) if self.checked else tables

    @cached_property
    def shown_figures(self) -> tuple[Picture, ...]:
        """The figures with their captions, those that these rows do not give among them."""
        return tuple(figure for one in self.exhibits for figure in one.figures)

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables by name."""
        return {one.name: one.frame for one in self.shown_tables}

    @cached_property
    def figures(self) -> Mapping[str, Callable[[], Figure]]:
        """A function for each figure that these rows give; it draws the figure."""
        return {one.name: partial(drawn, one.draw) for one in self.shown_figures if one.draw is not None}

    def adding(self, exhibit: Exhibit) -> Analysis:
        """With one exhibit more, at the end."""
        return replace(self, exhibits=(*self.exhibits, exhibit))

    def write_report(self, folder: Path | str) -> Path:
        """Write the report to a folder, in the place of an earlier one; the path of its page."""
        return write_report(self, Path(folder))

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def analyze(rows: pd.DataFrame | ResultsTable, options: AnalysisOptions | None = None) -> Analysis:
    """Analyse result rows, or the table made of them. Nothing is written and nothing is drawn.

    Raises `InputFaults` for rows that cannot be used, and for an engine that is not installed. A model that these rows
    do not determine is no error: it has no fit, and says why.
    """
    options = options or AnalysisOptions()
    if options.model not in MODELS:
        expected = f"expected {' or '.join(MODELS)}"
        raise InputFaults([Fault("", "--model", options.model, expected, nearest(options.model, MODELS))])
    try:
        options.margin  # noqa: B018
    except ValueError as error:
        raise InputFaults([Fault("", "--equivalence", options.equivalence, str(error))]) from None
    engine_versions = require_engine("--engine", options.engine, others=False)
    if options.cross_check:
        require_engine("--cross-check", options.cross_check)
    table = _table(rows, options) if isinstance(rows, pd.DataFrame) else rows
    evidence = _of_treatments(table, options) if table.roles else _evidence(table, options)
    analysis = _shown(evidence)
    if n := families_to_join(analysis.verdicts):
        analysis = _shown(_judged_together(evidence, n))
    checked = compare(options.cross_check, evidence.models.values()) if options.cross_check else None
    return replace(analysis, checked=checked, engine_versions=engine_versions)


def families_to_join(verdicts: pd.DataFrame) -> int:
    """How many families the statements have, if some effect is significant within its family, but no family stands out
    among all of them (Bonferroni); else 0.

    Where nothing has an effect, some one of many families would be significant far more often than in 5 % of studies.
    """
    least = verdicts.groupby("family")["p"].min().dropna()
    return len(least) if len(least) and ALPHA / len(least) <= least.min() < ALPHA else 0


def _judged_together(evidence: Evidence, n: int) -> Evidence:
    """With all families judged together."""
    options = replace(evidence.options, families=n)
    models = {
        name: judged_again(model, evidence.table, options.judging, options.asked.reference)
        for name, model in evidence.models.items()
    }
    return replace(evidence, models=models, options=options)


def _shown(evidence: Evidence) -> Analysis:
    """With all exhibits, the answer first."""
    exhibits = tuple(exhibit(evidence) for exhibit in (OF_TREATMENTS if evidence.table.roles else EXHIBITS))
    return Analysis(evidence, (answer.exhibit(evidence, exhibits), *exhibits))


def _table(rows: pd.DataFrame, options: AnalysisOptions) -> ResultsTable:
    """The table of a study of strategies, its columns renamed where they are asked for by other names; of any other
    table by the roles of its columns."""
    asked = options.asked
    if not is_of_a_study(rows, options.strategies) or asked.treatment or asked.reference:
        return any_table(rows, asked)
    names = {asked.score: "score", asked.target: "target"} | dict.fromkeys(asked.unit, "run_id")
    rows = rows.rename(columns={name: role for name, role in names.items() if name and role not in rows})
    return results_table(rows, options.metrics, options.sources, options.mix_versions, options.strategies)


def _of_treatments(table: ResultsTable, options: AnalysisOptions) -> Evidence:
    """The model of treatments and the table's own models, each drawing from a seed of its own."""
    levels, own, n_bootstrap, engine = table.factor_levels, options.own, options.bootstrap, options.engine
    for_treatments, for_diagnostics, *for_own = np.random.SeedSequence(options.seed).spawn(2 + len(own.model))
    of_formulas = own_models(own.model, table, levels, n_bootstrap, _rngs(for_own), engine)
    (rng,) = _rngs([for_treatments])
    named = treatment_model(table, Fitting(n_bootstrap, rng, engine, options.judging), options.asked.reference)
    models = with_own_means(
        with_own_contrasts((named, *of_formulas), own.contrast, options.judging), table, levels, options
    )
    by_name = {model.name: model for model in models}
    return Evidence(table, by_name, {}, levels, options, for_diagnostics)


def _evidence(table: ResultsTable, options: AnalysisOptions) -> Evidence:
    """The models and the components, each drawing from a seed of its own."""
    levels = table.factor_levels if options.levels is None else options.levels
    n_bootstrap, engine, own = options.bootstrap, options.engine, options.own
    seeds = np.random.SeedSequence(options.seed).spawn(4 + len(own.model))
    for_strategy, for_size, for_components, for_diagnostics, *for_own = seeds
    of_formulas = own_models(own.model, table, levels, n_bootstrap, _rngs(for_own), engine)
    draws = _rngs([for_strategy, for_size, *for_strategy.spawn(1), *for_size.spawn(1)])
    fittings = [Fitting(n_bootstrap, rng, engine, options.judging) for rng in draws]
    named = (
        strategy_model(table, levels, fittings[0]),
        size_model(table, levels, fittings[1]),
        paper_strategy_model(table, levels, fittings[2]),
        paper_size_model(table, fittings[3]),
    )
    models = with_own_means(
        with_own_contrasts((*named, *of_formulas), own.contrast, options.judging), table, levels, options
    )
    components = source_components(table, np.random.default_rng(for_components), levels)
    return Evidence(
        table,
        {model.name: model for model in models},
        {one.target: one for one in components},
        levels,
        options,
        for_diagnostics,
    )


def _rngs(seeds: Iterable[np.random.SeedSequence]) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]
