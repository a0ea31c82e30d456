"""Whether training helps: the mean trained representation against each baseline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.against_baselines import against_baselines, on_each_target
from analysis.baselines import matched_factors
from analysis.contrasts import HIGHER, LOWER, verdicts
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.report.phrases import note_on, size
from analysis.results_table import ResultsTable
from analysis.robustness import fragile_to_targets
from analysis.simultaneous import EACH, Judging
from analysis.verdict_rows import NONE_FRAGILE, Fragile, verdict_rows
from analysis.wording import few, listed

VERBS = {HIGHER: "scores higher than", LOWER: "scores lower than"}


def exhibit(evidence: Evidence) -> Exhibit:
    """The comparisons over all targets, and those on each target."""
    table, judging = evidence.table.frozen, evidence.options.judging
    overall = against_baselines(table, judging)
    stated = overall.dropna(subset=["se"]) if len(overall) else overall
    fragile = fragile_to_targets(table, stated, _estimates)
    said, parts = tuple(sentences(table, overall, fragile)), tuple(shown(table, judging))
    return Exhibit("baselines", "strategies", parts, headline=said, verdicts=verdict_rows(stated, fragile))


def _estimates(table: ResultsTable) -> pd.Series:
    """By baseline."""
    found = against_baselines(table)
    return found["estimate"].set_axis(found["effect"]) if len(found) else pd.Series(dtype=float)


def sentences(table: ResultsTable, overall: pd.DataFrame, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """One for each baseline: the difference over all targets, and on how many of them it is positive."""
    if overall.empty:
        yield "No baselines were scored, so whether training helps at all is not known."
        return
    for row in overall.itertuples():
        n_above = row.n_targets - len(row.not_above)
        where = f" (not on {listed(few(row.not_above))})" if row.not_above and n_above else ""
        yield (
            f"The mean trained representation {_compared(row, fragile)}; its mean is above that of {row.effect} on "
            f"{n_above} of {row.n_targets} targets{where}.{_own_level(table, row.effect)}"
        )


def _compared(row: Any, fragile: Fragile) -> str:
    if pd.isna(row.se):
        return f"cannot be compared with {row.effect}, because no score varies"
    (verdict,) = verdicts(pd.Series([row.estimate]), pd.Series([row.p_adjusted]))
    verb = VERBS.get(verdict, "does not differ significantly from")
    return f"{verb} {row.effect}: {size(row, row.p_adjusted, note_on(row.effect, fragile))}"


def _own_level(table: ResultsTable, baseline: str) -> str:
    factors = matched_factors(table.baselines[table.baselines["strategy"] == baseline])
    return f" Each run is compared with the {baseline} of its own {listed(factors)}." if factors else ""


def shown(table: ResultsTable, judging: Judging = EACH) -> Iterator[Table]:
    """The differences on each target."""
    found = on_each_target(table, judging)
    if len(found):
        note = (
            "The mean of all trained runs and of the baseline in the metric of the target, and their difference in "
            "standard deviations, each run less the baseline of its own level; 95 % intervals are simultaneous over "
            "targets and baselines (Welch's degrees of freedom). A baseline with one run is taken as fixed."
        )
        yield Table("baseline_differences", "Trained representations and baselines", note, found)
