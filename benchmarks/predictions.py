"""How far the predicted best combination is what it is said to be, and how much is lost by running it.

    python benchmarks/predictions.py [experimental_design.csv] [--studies 50]

Studies of the paper's 425 runs on 7 targets, sources with effects of their own on each target. Of the combination of
four sources predicted to be the best on a target: its expected score as predicted less the true one, the share of
intervals that have the true one, and what the truly best combination of four has above it; the last also for the
combination of the run of four sources that scored highest. In standard deviations of the residual.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.exhibits.predictions import predictions
from analysis.results_table import results_table
from study.core.coding import n_star
from study.core.strategies import STRATEGIES
from tests.analysis.paper_plan import PUBLISHED, SLOPES, SOURCES, STRATEGY_EFFECTS, TARGETS, paper_runs

SOURCE_SD = (0.0, 0.1, 0.3)
N = 4


def true_score(target: dict[str, dict[str, float]], strategy: str, sources: str) -> float:
    """Of a combination as the report names it; `2 of (a, b, c)` are the mean over such choices."""
    effect = target["source"]
    alike = re.search(r"(\d+) of \((.*)\)", sources)
    named = [name for name in re.sub(r"\d+ of \(.*\)", "", sources).split(" + ") if name]
    value = target["strategy"][strategy] + target["slope"][strategy] * (N - 2) + sum(effect[name] for name in named)
    return value + (int(alike[1]) * np.mean([effect[name] for name in alike[2].split(", ")]) if alike else 0.0)


def study(runs: pd.DataFrame, source_sd: float, rng: np.random.Generator) -> list[tuple[float, bool, float, float]]:
    """Bias, covered, lost by prediction, lost by the best run; a row a target."""
    present = runs[[f"source.{name}" for name in SOURCES]].to_numpy(dtype=float)
    steps, truth, frames = n_star(runs["strategy"], runs["n_sources"]), {}, []
    for target in TARGETS:
        truth[target] = {
            "strategy": {name: STRATEGY_EFFECTS[name] + 0.15 * rng.standard_normal() for name in STRATEGIES},
            "slope": {name: SLOPES[name] + 0.03 * rng.standard_normal() for name in STRATEGIES},
            "source": dict(zip(SOURCES, source_sd * rng.standard_normal(len(SOURCES)), strict=True)),
        }
        mean = runs["strategy"].map(truth[target]["strategy"]) + runs["strategy"].map(truth[target]["slope"]) * steps
        mean += present @ np.array(list(truth[target]["source"].values()))
        frames.append(runs.assign(target=target, score=mean + rng.standard_normal(len(runs))))
    table = results_table(pd.concat(frames, ignore_index=True), {})
    best = predictions(table, {}).best
    found = []
    for row in best[(best["n_sources"] == N) & (best["rank"] == 1)].itertuples():
        own = truth[row.target]
        every = [
            true_score(own, name, " + ".join(some)) for name in STRATEGIES[1:] for some in combinations(SOURCES, N)
        ]
        scores = table.scores[(table.scores["target"] == row.target) & (table.scores["n_sources"] == N)]
        top = scores.loc[scores["score"].idxmax()]
        of_top = true_score(own, top["strategy"], " + ".join(name for name in SOURCES if top[f"source.{name}"]))
        picked = true_score(own, row.strategy, row.sources)
        covered = row.score_low < picked < row.score_high
        found.append((row.score - picked, covered, max(every) - picked, max(every) - of_top))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, nargs="?", default=PUBLISHED)
    parser.add_argument("--studies", type=int, default=50)
    arguments = parser.parse_args()
    runs = paper_runs(arguments.published)
    print("| sources' sd | predicted less true | intervals with the true one | lost | lost by the highest run |")
    print("| --- | --- | --- | --- | --- |")
    for source_sd in SOURCE_SD:
        rng = np.random.default_rng(2019)
        rows = [row for _ in range(arguments.studies) for row in study(runs, source_sd, rng)]
        bias, covered, lost, lost_by_run = np.mean(rows, axis=0)
        print(f"| {source_sd} | {bias:+.3f} | {covered:.3f} | {lost:.3f} | {lost_by_run:.3f} |", flush=True)


if __name__ == "__main__":
    main()
