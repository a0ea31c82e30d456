"""A random tenth of 352 runs is lost, and the rest is planned on from, 20 times.

    python benchmarks/design_losses.py [--seeds 3]

Prints the largest correlation between main effects of the undisturbed plan, after the loss, and after planning on (the
median over 20 losses); exits 1 if planning on leaves more than 0.01 above the undisturbed plan.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from design.aliasing import main_effect_columns, prefix_aliasing
from design.anytime import anytime
from tests.design.spaces import paper_candidates

CANDIDATES = paper_candidates()
N_RUNS, N_LOST, TIMES = 352, 35, 20


def aliasing(codes: np.ndarray) -> float:
    columns, owners, _ = main_effect_columns(CANDIDATES.factors, codes)
    return float(prefix_aliasing(columns, owners)[-1])


def plan_on(start: np.ndarray, balance: tuple[int, ...], seed: int) -> np.ndarray:
    order = anytime(CANDIDATES, start, balance, np.random.SeedSequence(seed))
    return np.vstack([start, CANDIDATES.codes[list(islice(order, N_RUNS - len(start)))]])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    missed = 0
    for balance in (("strategy", "sources", "n_sources"), ("strategy",)):
        positions = CANDIDATES.positions(balance)
        for seed in range(parser.parse_args().seeds):
            rng = np.random.default_rng(seed)
            whole = plan_on(CANDIDATES.codes[:0], positions, seed)
            kept = [whole[np.sort(rng.choice(N_RUNS, N_RUNS - N_LOST, replace=False))] for _ in range(TIMES)]
            after_loss = np.median([aliasing(codes) for codes in kept])
            after_planning_on = np.median([aliasing(plan_on(codes, positions, seed)) for codes in kept])
            is_missed = after_planning_on > aliasing(whole) + 0.01
            missed += is_missed
            print(f"balance {', '.join(balance):32s} seed {seed}: undisturbed {aliasing(whole):.3f}, a tenth lost "
                  f"{after_loss:.3f}, planned on {after_planning_on:.3f}{'  MISSED' if is_missed else ''}")  # fmt: skip
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
