"""By how much trained representations differ from each baseline, with what is uncertain about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.baselines import matched_columns, with_own_baseline
from analysis.results_table import ResultsTable
from analysis.simultaneous import EACH, Judging, judged

FAMILY = "baselines"


@dataclass(frozen=True)
class Compared:
    """A baseline and what it is compared with, both in standard deviations within target.

    `differences`: `run_id, target, score, baseline_score, d` of each trained run less the mean of the baseline at its
    level. `deviations`: `run_id, target, level, d` of each run of the baseline from that mean. `weights`: the share of
    the trained runs that each level of the baseline stands for.
    """

    name: str
    differences: pd.DataFrame
    deviations: pd.DataFrame
    weights: pd.Series


def against_baselines(table: ResultsTable, judging: Judging = EACH) -> pd.DataFrame:
    """The mean trained representation less each baseline over all targets, one family of statements.

    `family, effect` (the baseline), `not_above` (the targets without a positive difference), `n_targets`, `n_baseline`
    (runs), `estimate, se, df, p` and what `judged` adds. The variance adds up what differs between targets, between
    trained runs and between runs of the baseline, each a sample of others like them (their sum counts the residual more
    than once, which errs to the safe side), with Satterthwaite's degrees of freedom. A baseline with a single run per
    level is taken as fixed: the statement is about that very run.
    """
    return _judged([_over_targets(one) for one in _compared(table)], judging).assign(family=FAMILY)


def on_each_target(table: ResultsTable, judging: Judging = EACH) -> pd.DataFrame:
    """The same within each target: `baseline, target, trained, baseline_score` (means in the unit of the metric), and
    `estimate, se, df, ci_low, ci_high` in standard deviations, simultaneous over baselines and targets (Welch)."""
    found = _judged([row for one in _compared(table) for row in _on_each_target(one)], judging)
    kept = ["baseline", "target", "trained", "baseline_score", "estimate", "se", "df", "ci_low", "ci_high"]
    return found.reindex(columns=kept)


def _judged(rows: Sequence[dict[str, object]], judging: Judging) -> pd.DataFrame:
    tests = pd.DataFrame(rows)
    if tests.empty or not (known := tests["se"].notna()).any():
        return tests.assign(ci_low=np.nan, ci_high=np.nan, p_adjusted=np.nan, p_holm=np.nan)
    apart = np.eye(known.sum())  # baselines share the trained runs; independence errs to the safe side (Sidak 1967)
    return tests.join(judged(tests[known], apart, apart, judging)[["ci_low", "ci_high", "p_adjusted", "p_holm"]])


def _compared(table: ResultsTable) -> Iterator[Compared]:
    sd = table.moments["sd"]
    for name, rows in table.baselines.groupby("strategy"):
        own, columns = with_own_baseline(table.scores, rows), matched_columns(rows)
        if own.empty:
            continue
        rows = rows[rows["target"].isin(own["target"])]
        rows = rows.assign(level=_levels(rows, columns))
        mean = rows.groupby(["target", "level"])["score"].transform("mean")
        yield Compared(
            str(name),
            own.assign(d=(own["score"] - own["baseline_score"]) / own["target"].map(sd)),
            rows.assign(d=(rows["score"] - mean) / rows["target"].map(sd)),
            _levels(own, columns).value_counts(normalize=True),
        )


def _levels(rows: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    return rows[columns].astype(str).agg(" ".join, axis=1) if columns else pd.Series("", rows.index)


def _over_targets(one: Compared) -> dict[str, object]:
    by_target = one.differences.groupby("target")["d"]
    means, n_targets = by_target.mean(), by_target.ngroups
    of_runs = (one.differences["d"] - by_target.transform("mean")).groupby(one.differences["run_id"]).mean()
    of_baseline = one.deviations.groupby(["level", "run_id"])["d"].mean()
    parts = [
        (means.var() / n_targets, n_targets - 1),
        (of_runs.var() / len(of_runs), len(of_runs) - 1),
        _of_level_means(of_baseline, one.weights),
    ]
    not_above = tuple(target for target in one.differences["target"].unique() if means[target] <= 0.0)
    counts = {"not_above": not_above, "n_targets": n_targets, "n_baseline": len(of_baseline)}
    return {"effect": one.name, **counts, **_tested(means.mean(), parts)}


def _on_each_target(one: Compared) -> Iterator[dict[str, object]]:
    for target, rows in one.differences.groupby("target", sort=False):
        here = one.deviations[one.deviations["target"] == target].set_index(["level", "run_id"])["d"]
        parts = [(rows["d"].var() / len(rows), len(rows) - 1), _of_level_means(here, one.weights)]
        means = {"trained": rows["score"].mean(), "baseline_score": rows["baseline_score"].mean()}
        yield {"baseline": one.name, "target": target, **means, **_tested(rows["d"].mean(), parts)}


def _of_level_means(of_runs: pd.Series, weights: pd.Series) -> tuple[float, int]:
    """The variance of the weighted mean over levels of runs (index `level, run_id`), and its degrees of freedom."""
    by_level = of_runs.groupby("level")
    n = by_level.size()
    df = int((n - 1).sum())
    if df == 0:
        return 0.0, 0
    within = float((by_level.var().fillna(0.0) * (n - 1)).sum()) / df
    return within * float((weights.reindex(n.index).fillna(0.0) ** 2 / n).sum()), df


def _tested(estimate: float, parts: Sequence[tuple[float, int]]) -> dict[str, float]:
    """A t test by a sum of independent variances (value, df); no numbers but the estimate where nothing varies."""
    known = [(value, df) for value, df in parts if df > 0 and value > 0.0]
    if not known:
        return {"estimate": estimate, "se": np.nan, "df": np.nan, "p": np.nan}
    total = sum(value for value, _ in known)
    df, se = total**2 / sum(value**2 / own for value, own in known), float(np.sqrt(total))
    return {"estimate": estimate, "se": se, "df": df, "p": float(2.0 * stats.t.sf(abs(estimate) / se, df))}
