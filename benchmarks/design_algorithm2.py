"""Is every run of `balance-alias` one that Algorithm 2 of Kim et al. 2019 allows, by a literal transcription of it?

    python benchmarks/design_algorithm2.py [--seeds 5]

Small spaces run to their ends, and the beginning of a larger one. Exits 1 at any run outside the set P.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from itertools import islice
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from design.balance_alias import balance_alias  # noqa: E402
from tests.design.test_balance_alias import small_space  # noqa: E402

LITERAL = runpy.run_path(str(ROOT / "tests/reference/algorithm2_literal.py"))
SPACES = ((2, 3, (1, 2), 99), (3, 3, (2, 3), 99), (2, 4, (2, 3), 99), (4, 4, (1, 2, 3), 30), (5, 5, (2, 3, 4), 20))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    n_seeds = parser.parse_args().seeds
    outside = 0
    for n_strategies, n_sources, sizes, n_runs in SPACES:
        candidates = small_space(n_strategies, n_sources, sizes)
        runs = [tuple(row) for row in candidates.codes.tolist()]
        factors = [lambda run, k=k: run[k] for k in range(n_sources + 2)]
        columns = [(0, lambda run, level=level: int(run[0] == level)) for level in range(n_strategies)]
        columns += [(k, lambda run, k=k: run[k]) for k in range(1, n_sources + 1)]
        steps = 0
        for seed in range(n_seeds):
            balance, done, left = tuple(range(n_sources + 2)), [], list(runs)
            for row in islice(
                balance_alias(candidates, candidates.codes[:0], balance, np.random.SeedSequence(seed)), n_runs
            ):
                _, chosen_from = LITERAL["possible_sets"](left, done, factors, columns)
                outside += runs[row] not in chosen_from
                done.append(runs[row])
                left.remove(runs[row])
                steps += 1
        space = f"{n_strategies} strategies x subsets of {n_sources} of size {sizes}"
        print(f"{space}: {len(runs)} candidates, {steps} steps checked")
    print("every run is of the set P" if not outside else f"{outside} runs are outside the set P")
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
