"""How often a difference between strategies is told where there is none: adjusted p values at a nominal 5 %.

    python benchmarks/comparisons.py [experimental_design.csv] [--studies 400]

Studies of the paper's 425 runs on 7 targets, in which strategies differ within targets but not on the whole; share of
studies with one or more of the 15 comparisons told. "as drawn": the first model is true. "standardised": scores less
their target's mean and over its deviation, as the report has them, which ties the strategies' deviations together.
"+ target": a fixed intercept of each target besides, which takes that out again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.contrasts import ALPHA, holm, tukey
from analysis.fitting.inference import contrast_tests
from study.core.coding import first_model, n_star
from study.core.strategies import STRATEGIES
from tests.analysis.by_target import fit_by_target
from tests.analysis.paper_plan import PUBLISHED, TARGETS, paper_runs

BETWEEN_TARGETS = {"alike": [0.3] * 6, "two of six": [0.1, 0.5, 0.1, 0.5, 0.1, 0.1], "none": [0.0] * 6}
"""Standard deviations of the six strategies' means between targets, the residual's being 1."""
SLOPE_SD = 0.05


def scores(rng: np.random.Generator, runs: pd.DataFrame, sd: Sequence[float]) -> np.ndarray:
    """A study's scores (n_targets, n_runs) without any fixed effect."""
    rank = runs["strategy"].map({name: k for k, name in enumerate(STRATEGIES)}).to_numpy()
    steps = n_star(runs["strategy"], runs["n_sources"])
    means = np.array(sd) * rng.standard_normal((len(TARGETS), 6))
    slopes = SLOPE_SD * rng.standard_normal((len(TARGETS), 6))
    return means[:, rank] + slopes[:, rank] * steps + rng.standard_normal((len(TARGETS), len(runs)))


def told(y: np.ndarray, columns: pd.DataFrame, random: Sequence[str], target: pd.Series, n_star: float) -> list[bool]:
    """Whether any comparison at `n_star` is told by Holm's p, by Tukey's, and by p as it is."""
    fit = fit_by_target(y, columns, random, target)
    means = np.zeros((6, len(fit.fixed_terms)))
    for row, name in enumerate(STRATEGIES):
        means[row, fit.fixed_terms.index(f"strategy[{name}]")] = 1.0
        if row:
            means[row, fit.fixed_terms.index(f"strategy[{name}]:n_star")] = n_star
    found = contrast_tests(fit, np.array([means[a] - means[b] for a, b in combinations(range(6), 2)]))
    p, close = found["p"].to_numpy(), found[found["p"] < ALPHA]  # an adjusted p is never below p
    by_tukey = tukey(close["t"].to_numpy(), close["df"].to_numpy(), 6) if len(close) else np.ones(1)
    return [holm(p).min() < ALPHA, by_tukey.min() < ALPHA, p.min() < ALPHA]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, nargs="?", default=PUBLISHED)
    parser.add_argument("--studies", type=int, default=400)
    arguments = parser.parse_args()
    runs = paper_runs(arguments.published)
    rows = pd.concat([runs.assign(target=target) for target in TARGETS], ignore_index=True)
    coding = first_model(rows)
    of_target = pd.get_dummies(rows["target"], dtype=float)
    with_target = pd.concat([coding.columns, of_target.iloc[:, 1:].sub(of_target.iloc[:, 0], axis=0)], axis=1)
    several = runs[runs["strategy"] != STRATEGIES[0]]
    mean = float(n_star(several["strategy"], several["n_sources"]).mean())
    print("| between targets | scores | at n* | Holm | Tukey | unadjusted |\n| --- | --- | --- | --- | --- | --- |")
    for name, sd in BETWEEN_TARGETS.items():
        for kind, columns in (
            ("as drawn", coding.columns), ("standardised", coding.columns), ("standardised, + target", with_target),
        ):  # fmt: skip
            for at in (0.0, mean):
                rng, found = np.random.default_rng(20191), []
                for _ in range(arguments.studies):
                    y = scores(rng, runs, sd)
                    if kind != "as drawn":
                        y = (y - y.mean(axis=1, keepdims=True)) / y.std(axis=1, ddof=1, keepdims=True)
                    found.append(told(y.ravel(), columns, coding.random, rows["target"], at))
                shares = " | ".join(f"{share:.3f}" for share in np.mean(found, axis=0))
                print(f"| {name} | {kind} | {at:.2f} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
