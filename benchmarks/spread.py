"""How often the report's tests of residual spread tell a difference that is not there, and its intervals cover.

    python benchmarks/spread.py [experimental_design.csv] [--studies 300]

Studies on the paper's plan of 425 runs and 7 targets with the same residual deviation everywhere, and with one that
falls by a twelfth with each further source; the first model is fitted to each. Exits 1 if Holm's adjusted p tell any
difference in more than 0.08 of the former, or intervals of a deviation cover less than 0.92.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.contrasts import ALPHA
from analysis.exhibits.residual_spread import residual_spread, spread_tests
from analysis.fitting.conditional import residuals
from analysis.models import strategy_model
from analysis.results_table import results_table
from tests.analysis.paper_plan import PUBLISHED, paper_runs, simulated_scores

DEVIATION = 0.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("design", nargs="?", type=Path, default=PUBLISHED)
    parser.add_argument("--studies", type=int, default=300)
    arguments = parser.parse_args()
    runs = paper_runs(arguments.design)
    told: dict[str, list[bool]] = {"n_sources": [], "strategy": [], "either": []}
    found: dict[str, list[float]] = {"n_sources": [], "strategy": []}
    covered = []
    for study in range(arguments.studies):
        even = simulated_scores(runs, study, noise_sd=0.0)
        noise = DEVIATION * np.random.default_rng([study, 1]).standard_normal(len(even))
        table, rest = _fitted(even.assign(score=even["score"] + noise))
        tests, spread = spread_tests(table, rest), residual_spread(table, rest)
        of_table = DEVIATION / table.moments["sd"].loc[spread["target"]].to_numpy()
        covered.append(((spread["low"] < of_table) & (of_table < spread["high"])).mean())
        for by in found:
            told[by].append(bool((tests.loc[tests["by"] == by, "p_adjusted"] < ALPHA).any()))
        told["either"].append(bool((tests["p_adjusted"] < ALPHA).any()))
        table, rest = _fitted(even.assign(score=even["score"] + noise * (1.0 - (even["n_sources"] - 1) / 12.0)))
        falling = spread_tests(table, rest)
        for by, shares in found.items():
            shares.append(float((falling.loc[falling["by"] == by, "p_adjusted"] < ALPHA).mean()))
    print(f"{arguments.studies} studies of equal deviations")
    for by, happened in told.items():
        print(f"any target told to differ, by {by}: {np.mean(happened):.3f}")
    print(f"intervals of a deviation cover: {np.mean(covered):.3f}")
    print(f"{arguments.studies} studies of deviations that fall by a twelfth with each further source")
    for by, shares in found.items():
        print(f"targets told to differ, by {by}: {np.mean(shares):.3f}")
    return int(np.mean(told["either"]) > 0.08 or np.mean(covered) < 0.92)


def _fitted(scores):
    table = results_table(scores, {})
    model = strategy_model(table, {})
    return table, residuals(model.fit)


if __name__ == "__main__":
    sys.exit(main())
