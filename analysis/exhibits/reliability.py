"""What a run's score is made of: what was designed, training again, the split, and the rest (Brennan 2001, ch. 3).

Score of run r of combination c on split s = mean + c + r within c + s + rest. All runs share the same splits, so runs
and splits are crossed, and what a split adds to every run does not blur comparisons between runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels, shared_legend
from analysis.fitting.inference import LEVEL
from analysis.repeats import repeated
from analysis.results_table import ResultsTable
from analysis.wording import listed, number

PARTS = ("combination", "run", "split", "residual")
"""Strategy, sources and factors; runs of the same combination; splits; run x split and whatever else."""
STYLE_OF_PART = dict(
    zip(PARTS, (("#0072B2", ""), ("#E69F00", "///"), ("#56B4E9", "..."), ("#999999", "")), strict=True)
)
NEVER_AGAIN = " (no combination was trained twice, so this is part of the combination's share)"


def exhibit(evidence: Evidence) -> Exhibit:
    """Parts of a score, and its reliability."""
    parts = score_parts(evidence.table.frozen)
    if evidence.table.roles and parts.empty:
        return Exhibit("reliability", "spread")
    return Exhibit("reliability", "spread", tuple(shown(parts)), tuple(sentences(parts)))


def shown(parts: pd.DataFrame) -> Iterator[Picture | Table]:
    """The parts as bars, and with the reliability as a table."""
    name, title = "score_parts", "What is a score made of?"
    if parts.empty:
        yield Picture(name, title, "Not drawn: no target has scores on two or more splits.", None)
        return
    caption = (
        "Sources of the variance of scores on single splits. Combination: strategy, sources and factors. Run: "
        f"training the same combination again{NEVER_AGAIN if parts['sd_run'].isna().all() else ''}. Split: "
        "differences between splits that affect all runs alike. Residual: interaction of run and split."
    )
    yield Picture(name, title, caption, lambda: parts_as_bars(parts))
    note = (
        "Standard deviations in the metric of the target, from mean squares. Reliability is the share of the variance "
        "between runs' means that is not due to the choice of splits, with an exact 95 % interval (Feldt 1965); if it "
        "is below 0, the runs differ no more than chance splits would make them differ. Parts that are not estimable "
        "without replicates are left empty. For a target with one published split, repeats differ only in the probe."
    )
    yield Table(name, "What a score is made of, and how reliable a run's mean is", note, parts)


def sentences(parts: pd.DataFrame) -> Iterator[str]:
    """How reliable a run's mean score is, and what training again does to it."""
    if parts.empty:
        yield "The reliability of a run's score is not estimable: no target has scores on two or more splits."
        return
    each = [
        f"{number(row.reliability)} (95 % CI {number(row.low)} to {number(row.high)}) on {row.target}"
        for row in parts.sort_values("reliability").itertuples()
    ]
    ends = dict.fromkeys((each[0], each[-1]))
    ranges = f"ranges from {' to '.join(ends)}" if len(ends) > 1 else f"is {each[0]}"
    yield f"The reliability of a run's mean score over its splits (1: the choice of splits adds no noise) {ranges}."
    again = parts.dropna(subset=["sd_run", "sd_combination"])
    found = again[again[["sd_run", "sd_combination"]].any(axis=1)]
    if len(again) > len(found):
        alike = listed(again["target"].drop(found.index).tolist())
        yield f"On {alike}, the differences between runs are no larger than the noise of the splits."
    if len(found):
        of_runs = found["sd_run"] ** 2 / (found["sd_run"] ** 2 + found["sd_combination"] ** 2)
        yield (
            f"Training the same combination again accounts for {of_runs.min():.0%} to {of_runs.max():.0%} of the "
            "variance between runs, depending on the target; strategy, sources and factors account for the rest."
        )


def parts_as_bars(parts: pd.DataFrame) -> Figure:
    """A bar a target, divided into the shares."""
    figure, (axes,) = panels(1, width=7.0, height=0.32 * len(parts) + 1.3)
    variance = (parts[[f"sd_{part}" for part in PARTS]] ** 2).fillna(0.0).to_numpy()
    percent = 100.0 * variance / variance.sum(axis=1, keepdims=True)
    left = np.cumsum(percent, axis=1) - percent
    drawn: dict[str, object] = {}
    for k, (part, (colour, hatch)) in enumerate(STYLE_OF_PART.items()):
        if parts[f"sd_{part}"].isna().all():
            continue
        drawn[part] = axes.barh(
            parts["target"], percent[:, k], left=left[:, k], color=colour, hatch=hatch, edgecolor="white", linewidth=0.6
        )
    axes.set(xlabel="percent of variance", xlim=(0, 100))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    shared_legend(figure, drawn)
    return figure


def score_parts(table: ResultsTable) -> pd.DataFrame:
    """A row a target with two splits or more: the deviation of each part, and the reliability of a run's mean score.

    Columns: `target, n_runs, n_splits, left_out` (runs that lack a split), `sd_<part>` in the target's own metric,
    `reliability, low, high`. Estimated from mean squares; an estimate below zero is zero, and a part
    that is not estimable (no combination was run twice) is NaN. Reliability is 1 - MS(rest) / MS(runs), the share of
    the variance between runs' mean scores that is not noise of the splits; its 95 % interval is exact for normal parts
    (Feldt 1965).
    """
    table = table.frozen
    counts, deviations = ("n_runs", "n_splits", "left_out"), (f"sd_{part}" for part in PARTS)
    rows = [parts for target in table.targets if (parts := _of_target(table, target)) is not None]
    return pd.DataFrame(rows, columns=["target", *counts, *deviations, "reliability", "low", "high"])


def _of_target(table: ResultsTable, target: str) -> dict[str, object] | None:
    here = table.by_split[table.by_split["target"] == target]
    grid = here.pivot_table(index="run_id", columns=["repeat", "fold"], values="score")
    whole = grid.dropna()
    n_runs, n_splits = whole.shape
    if n_splits < 2 or n_runs < 3:
        return None
    scores = whole.to_numpy()
    of_run, of_split = scores.mean(axis=1), scores.mean(axis=0)
    rest = scores - of_run[:, None] - of_split + scores.mean()
    ms_rest = (rest**2).sum() / ((n_runs - 1) * (n_splits - 1))
    ms_runs = n_splits * of_run.var(ddof=1)
    runs = table.runs.set_index("run_id", drop=False).loc[whole.index]
    number = pd.factorize(repeated(table, runs))[0]
    variance = {"split": (n_runs * of_split.var(ddof=1) - ms_rest) / n_runs, "residual": ms_rest}
    variance |= _between_runs(of_run, n_splits, number, ms_rest)
    kept = {part: max(variance[part], 0.0) if np.isfinite(variance[part]) else np.nan for part in PARTS}
    df = n_runs - 1, (n_runs - 1) * (n_splits - 1)
    ratio, tail = ms_rest / ms_runs, (1.0 - LEVEL) / 2.0
    return (
        {"target": target, "n_runs": n_runs, "n_splits": n_splits, "left_out": len(grid) - n_runs}
        | {f"sd_{part}": np.sqrt(kept[part]) for part in PARTS}
        | {
            "reliability": 1.0 - ratio,
            "low": 1.0 - ratio * stats.f.ppf(1.0 - tail, *df),
            "high": 1.0 - ratio * stats.f.ppf(tail, *df),
        }
    )


def _between_runs(of_run: np.ndarray, n_splits: int, number: np.ndarray, ms_rest: float) -> dict[str, float]:
    """The variances of `combination` and `run` from means over splits (n_runs,), by nested mean squares; runs of one
    `number` (n_runs,) are of one combination."""
    count = np.bincount(number)
    n_runs, n_combinations = len(of_run), len(count)
    if n_combinations in (1, n_runs):  # never twice, or always the same: the two are confounded
        whole = of_run.var(ddof=1) - ms_rest / n_splits
        return {"combination": np.nan, "run": whole} if n_combinations == 1 else {"combination": whole, "run": np.nan}
    mean = np.bincount(number, of_run) / count
    ms_run = ((of_run - mean[number]) ** 2).sum() / (n_runs - n_combinations)
    ms_combination = (count * (mean - of_run.mean()) ** 2).sum() / (n_combinations - 1)
    runs_each = (n_runs - (count**2).sum() / n_runs) / (n_combinations - 1)
    return {"combination": (ms_combination - ms_run) / runs_each, "run": ms_run - ms_rest / n_splits}
