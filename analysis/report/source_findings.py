"""Sentences on single sources and the baselines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.baselines import with_own_baseline
from analysis.contrasts import ALPHA, tukey
from analysis.exhibits.score_figures import single_source_scores
from analysis.repeats import repeated
from analysis.results_table import ResultsTable
from analysis.wording import by_target, listed, number


def on_sources(table: ResultsTable) -> Iterator[str]:
    """The source whose single-source representation scores highest on each target, with Random's score where there is
    one, and above how many others it is significantly, by the spread of repeats (Tukey and Kramer, all pairs,
    over all targets)."""
    single = single_source_scores(table)
    single = single.assign(repeated=repeated(table, single))
    if single.empty:
        yield "Which source helps most is not known from single-source runs: there are none."
        return
    random = with_own_baseline(single, table.baselines[table.baselines["strategy"] == "Random"])
    parts, n_targets = [], single["target"].nunique()
    for target in table.targets:
        here = single[single["target"] == target]
        if here.empty:
            parts.append(f"{target}: no single-source score")
            continue
        means = here.groupby("source", sort=False)["score"].mean()
        best = means.index[means == means.max()]
        own = random.loc[(random["target"] == target) & random["source"].isin(best), "baseline_score"]
        beside = f", Random {number(own.mean(), 3)}" if len(own) else ""
        parts.append(f"{target}: {listed(best)} ({number(means.max(), 3)}{beside}{_of_the_rest(here, n_targets)})")
    once = single.groupby("repeated")["run_id"].nunique().max() == 1
    ranked = "; each was trained only once on equal factors, so they cannot be ranked" if once else ""
    yield f"The single source with the highest mean score on each target: {by_target(parts)}{ranked}."


def _of_the_rest(scores: pd.DataFrame, n_targets: int) -> str:
    """Above how many other sources the best is significantly on a target, where sources were trained again; all
    targets are one family."""
    by_source, by_repeated = scores.groupby("source", sort=False)["score"], scores.groupby("repeated")["score"]
    mean, count, repeats = by_source.mean(), by_source.size(), by_repeated.size()
    df = int(repeats.sum() - len(repeats))
    others = mean[mean < mean.max()]
    if others.empty:
        return ""
    within = ((repeats - 1) * by_repeated.var().fillna(0.0)).sum()
    if not (df and within):
        return ""
    best = mean.idxmax()
    se = np.sqrt(within / df * (1 / count[best] + 1 / count[others.index]))
    p = tukey(((mean[best] - others) / se).to_numpy(), np.full(len(others), float(df)), len(mean))
    over_targets = 1.0 - (1.0 - p) ** n_targets  # Sidak 1967
    return f"; significantly above {(over_targets < ALPHA).sum()} of {len(others)} others"
