"""How often a baseline is called different from trained representations where neither is better, and coverage.

    python benchmarks/baselines_null.py [--studies 500]

Targets shift a baseline by a normal deviation, runs and residuals are normal; 24 trained runs on 7 targets.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.against_baselines import against_baselines
from analysis.results_table import results_table

N_RUNS, N_TARGETS = 24, 7
CASES = (  # sd by target, of runs, of the residual, runs of the baseline
    (0.0, 0.0, 1.0, 5),
    (0.5, 0.0, 1.0, 5),
    (0.0, 0.7, 0.7, 5),
    (0.5, 0.7, 0.7, 5),
    (0.5, 0.7, 0.7, 2),
)


def scores(rng: np.random.Generator, by_target: float, of_runs: float, residual: float, n: int) -> pd.DataFrame:
    """Rows of a study without any difference on the average target."""
    shift = by_target * rng.standard_normal((1, N_TARGETS))
    drawn = {
        "SS-R": (N_RUNS, 0.0),
        "Random": (n, shift),
    }
    rows = []
    for name, (n_runs, mean) in drawn.items():
        own = mean + of_runs * rng.standard_normal((n_runs, 1)) + residual * rng.standard_normal((n_runs, N_TARGETS))
        run, target = np.indices(own.shape)
        ids = np.char.add(f"{name}-", run.ravel().astype(str))
        rows.append(
            pd.DataFrame({"run_id": ids, "strategy": name, "target": target.ravel().astype(str), "score": own.ravel()})
        )
    return pd.concat(rows, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    arguments = parser.parse_args()
    print("| sd by target | of runs | residual | runs of the baseline | called different | covered |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        significant = covered = 0
        for seed in range(arguments.studies):
            rows = scores(np.random.default_rng(seed), *case)
            (row,) = against_baselines(results_table(rows, {})).itertuples()
            significant += row.p_adjusted < 0.05
            covered += row.ci_low <= 0.0 <= row.ci_high
        shares = f"{significant / arguments.studies:.3f} | {covered / arguments.studies:.3f}"
        print(f"| {' | '.join(map(str, case))} | {shares} |")


if __name__ == "__main__":
    main()
