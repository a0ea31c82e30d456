"""`anytime` where the best design is known: factorials, orthogonal fractions, Plackett & Burman, forbidden corners.

    python benchmarks/design_known_answers.py

Prints the D-efficiency reached; exits 1 if a full factorial, a 2^(k-p) fraction or the twelve runs of Plackett & Burman
1946 are not reached exactly, or 40 runs with forbidden corners are 2 % or more below what no design exceeds.
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from design.anytime import anytime
from design.bounds import efficiency_bound
from design.candidates import Candidates
from design.information import log_efficiency, model_columns
from tests.design.spaces import factorial

EXACT = 0.999
"""What the ridge of a thousandth of a run leaves of 1."""


def reached(space: Candidates, n_runs: int, balance: tuple[int, ...] = ()) -> float:
    """The largest D-efficiency of three seeds."""
    found = []
    for seed in range(3):
        rows = list(islice(anytime(space, space.codes[:0], balance, np.random.SeedSequence(seed)), n_runs))
        found.append(np.exp(log_efficiency(model_columns(space.factors, space.codes[rows]))))
    return float(max(found))


def main() -> int:
    missed = 0
    for n_levels in ((2,) * 3, (2,) * 5, (2,) * 8, (3, 2, 2), (3, 2, 2, 2), (3,) + (2,) * 6):
        space = factorial(*n_levels)
        share = reached(space, len(space), tuple(range(len(n_levels))))
        missed += share < EXACT
        print(f"all {len(space):3d} runs of {' x '.join(map(str, n_levels))}: {share:.2%}")
    for n_factors, n_runs in ((3, 4), (7, 8), (15, 16), (11, 12)):
        share = reached(factorial(*(2,) * n_factors), n_runs)
        missed += share < EXACT
        print(f"{n_runs} runs for {n_factors} two-level factors (an orthogonal design exists): {share:.2%}")
    for n_runs in (24, 40):
        space = factorial(3, 2, 2, 2, 2, 2)
        is_corner = (space.codes[:, 1:] == 1).sum(axis=1) >= 4
        is_corner |= (space.codes[:, 0] == 2) & (space.codes[:, 1] == 0)
        left = Candidates(space.factors, space.codes[~is_corner])
        bound = efficiency_bound(left, range(8))
        share = reached(left, n_runs)
        missed += n_runs == 40 and share < 0.98 * bound
        print(f"{n_runs} of {len(left)} runs with forbidden corners: {share:.2%}, bound {bound:.2%}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
