"""Every effect on an average target, in the unit of each target's metric."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.report.model_verdicts import model_verdicts
from analysis.results_table import ResultsTable

NUMBERS = ["estimate", "ci_low", "ci_high"]


def exhibit(evidence: Evidence) -> Exhibit:
    """The statements of both models in the targets' own units."""
    table = evidence.table
    found = in_own_units(table, model_verdicts(evidence))
    if found.empty:
        return Exhibit("own_units", evidence.question)
    wide = found.pivot_table(index="effect", columns="target", values="estimate", sort=False)[list(table.targets)]
    wide.columns = [f"{target} ({table.moments.at[target, 'metric']})" for target in wide]
    note = (
        "Each standardised effect times the standard deviation of the scores on a target: what the effect on an "
        "average target amounts to in this target's metric, not an estimate from this target alone. Intervals are in "
        "effects_in_own_units_with_intervals.csv."
    )
    title = "Effects in the unit of each target"
    return Exhibit(
        "own_units",
        evidence.question,
        (
            Table("effects_in_own_units", title, note, wide.reset_index()),
            Table("effects_in_own_units_with_intervals", title, note, found, on_page=False),
        ),
    )


def in_own_units(table: ResultsTable, stated: pd.DataFrame) -> pd.DataFrame:
    """`effect, target, metric, estimate, ci_low, ci_high` of `verdict_rows` on all targets, in the metric's unit."""
    columns = ["effect", "target", "metric", *NUMBERS]
    found = [
        stated[["effect", *NUMBERS]].assign(
            target=target, metric=of.metric, **{name: stated[name] * of.sd for name in NUMBERS}
        )
        for target, of in table.moments.iterrows()
        if len(stated)
    ]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)
