"""What was compared: differences between levels, the effects of numbers, interactions."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.fitted_model import Model
from analysis.report.treatment_findings import on_treatments, treatment_verdicts
from analysis.results_table import ResultsTable
from analysis.sensitivity import not_robust
from study.core.columns import factor_column

WIDEST = 12
"""Tables of more targets are not on the page."""


def exhibit(evidence: Evidence) -> Exhibit:
    """Rankings, comparisons, effects and means of the model of treatments."""
    (model,) = evidence.main
    fragile = not_robust(evidence.variants[model.name])
    said = tuple(on_treatments(evidence.table, model, fragile))
    items = tuple(shown(evidence.table, model))
    verdicts = treatment_verdicts(model, fragile).drop(columns="term")
    return Exhibit("treatments", "treatments", items, headline=said, verdicts=verdicts)


def shown(table: ResultsTable, model: Model) -> Iterator[Table]:
    """Tables of fixed effects, of statements, of means, and of scores by level and target."""
    if model.fit is not None:
        note = "Intervals and degrees of freedom are Satterthwaite's. Columns are centred: other terms are at averages."
        yield Table("treatments_fixed", "Fixed effects", note, model.fixed)
        note = (
            "Intervals and p_adjusted are simultaneous (max-t) within a family; p_holm: Holm's method over the same. "
            "Numbers are per unit, or per tenfold on a logarithmic scale."
        )
        yield Table("treatments_statements", "All statements", note, model.statements)
        if len(model.means):
            note = "Other treatments at their average. Satterthwaite intervals, each by itself."
            yield Table("treatments_means", "Means by treatment", note, model.means)
    for name in table.factor_levels:
        title, note = f"Mean score by {name} and target", "In the units of the score."
        yield Table(f"scores_by_{name}", title, note, _by_target(table, name), on_page=len(table.targets) <= WIDEST)


def _by_target(table: ResultsTable, name: str) -> pd.DataFrame:
    column = factor_column(name)
    means = table.scores.pivot_table(index=column, columns="target", values="score", aggfunc="mean")
    means = means.reindex(index=list(table.factor_levels[name]), columns=list(table.targets))
    return means.rename_axis(index=name, columns=None).reset_index()
