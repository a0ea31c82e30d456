"""What a budget in GPU-hours buys when a run's information is weighed against its cost, and when runs are counted.

    python benchmarks/design_money.py [--seeds 4]

On the 1,230 candidates of Kim et al. 2019, each at its modelled cost (46,490 tracks): det(X'X)^(1/p), which is the
number of runs times the D-efficiency, at equal money; the median over the seeds. Exits 1 if the weighing buys less from
7 GPU-hours (about 40 runs) on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from design.anytime import anytime
from design.information import model_columns
from design.phases import sequential_phases
from study.core.cost import run_cost_gpu_hours
from tests.design.spaces import write_study

N_TRAINING = 41_841
HOURS = (3, 7, 15, 35, 50)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    n_seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        study = write_study(Path(folder))
    (phase,) = sequential_phases(study)
    candidates = phase.candidates
    runs = [candidates.run(study, "sequential", row) for row in range(len(candidates))]
    cost = np.array([run_cost_gpu_hours(study, run, N_TRAINING) for run in runs], dtype=float)

    def bought(balance: tuple[int, ...], weighed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """(n_seeds, n_budgets): runs, and det(X'X)^(1/p)."""
        counts, information = [], []
        for seed in range(n_seeds):
            order = anytime(candidates, candidates.codes[:0], balance, np.random.SeedSequence(seed), weighed)
            rows = list(islice(order, 700))
            columns = model_columns(candidates.factors, candidates.codes[rows])
            counts.append(np.searchsorted(cost[rows].cumsum(), HOURS, side="right"))
            information.append([
                np.exp(np.linalg.slogdet(columns[:n].T @ columns[:n])[1] / columns.shape[1]) for n in counts[-1]
            ])  # fmt: skip
        return np.array(counts), np.array(information)

    missed = 0
    for balance in (("strategy", "sources", "n_sources"), ("strategy",)):
        by_count = bought(candidates.positions(balance), None)
        by_money = bought(candidates.positions(balance), cost)
        print(f"balance = {', '.join(balance)}: GPU-hours, runs and det(X'X)^(1/p) by count -> weighed")
        for place, hours in enumerate(HOURS):
            runs_of, told = zip(*((np.median(n[:, place]), np.median(i[:, place])) for n, i in (by_count, by_money)),
                                strict=True)  # fmt: skip
            missed += hours >= 7 and told[1] < told[0]
            print(f"{hours:4d}  {runs_of[0]:4.0f} -> {runs_of[1]:4.0f}   {told[0]:6.1f} -> {told[1]:6.1f}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
