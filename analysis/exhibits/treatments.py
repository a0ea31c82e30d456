"""What was compared: the levels of each treatment ranked, the effects of numbers, interactions."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table, picture_of_model
from analysis.figures import panels
from analysis.models import Model
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
    verdicts = treatment_verdicts(model).drop(columns=["family", "term"])
    return Exhibit("treatments", "treatments", items, headline=said, verdicts=verdicts)


def shown(table: ResultsTable, model: Model) -> Iterator[Picture | Table]:
    """The means as a picture; tables of fixed effects, of statements, of means, and of scores by level and target."""
    caption = "Means by the model, other treatments at their average, with 95 % Satterthwaite intervals; highest first."
    if model.fit is not None and model.means.empty:
        caption = "Not drawn: all treatments are numbers."
        yield Picture("means", "Means by treatment", caption, None)
    else:
        yield picture_of_model("means", "Means by treatment", model, caption, lambda: means_in_order(model.means))
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


def means_in_order(means: pd.DataFrame) -> Figure:
    """The mean of each level with its interval, a panel for each treatment."""
    names = list(dict.fromkeys(means["treatment"]))
    most = int(means["treatment"].value_counts().max())
    figure, axes = panels(len(names), width=5.0, height=1.0 + 0.26 * most, per_row=2)
    for one, name in zip(axes, names, strict=True):
        rows = means[means["treatment"] == name].sort_values("estimate")
        one.hlines(rows["level"], rows["ci_low"], rows["ci_high"], color="#0072B2", linewidth=1.8)
        one.plot(rows["estimate"], rows["level"], "o", color="#0072B2", markersize=5.5)
        one.set(title=name, xlabel="standardised score", ylim=(-0.6, len(rows) - 0.4))
        one.grid(axis="y", visible=False)
    return figure


def _by_target(table: ResultsTable, name: str) -> pd.DataFrame:
    column = factor_column(name)
    means = table.scores.pivot_table(index=column, columns="target", values="score", aggfunc="mean")
    means = means.reindex(index=list(table.factor_levels[name]), columns=list(table.targets))
    return means.rename_axis(index=name, columns=None).reset_index()
