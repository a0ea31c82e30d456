"""`balance-alias`: Algorithm 2 of Kim et al. 2019, to the letter.

From the runs A that are left, O are those that leave the least unbalance in B with one of them, and P those of O that
leave the least aliasing; the next run is one of P at random.

- The unbalance of a design is the largest, over the factors to balance (as the study file has it by default: strategy,
  each source, number of sources), of the largest less the smallest level count, exhausted levels excepted (footnote 7).
- The aliasing of a design is the largest absolute correlation between columns of different factors, over the sources'
  columns and the strategy's indicators (and those of further factors); the number of sources, being the sources' sum,
  has none, and a constant column counts 0 (footnote 8).
- B holds the runs of this phase only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from design.aliasing import correlations, main_effect_columns
from design.balance import MANY, LevelUse
from design.candidates import Candidates
from design.information import CHUNK
from design.level_tables import LevelTables

TOLERANCE = 1e-9


def balance_alias(
    candidates: Candidates,
    start: np.ndarray,
    balance: tuple[int, ...],
    seed: np.random.SeedSequence,
    remaining: np.ndarray | None = None,
) -> Iterator[int]:
    """Rows of the candidates in the order to run them, after `start` (n_runs, n_factors level numbers), to the last.

    `remaining` as in `anytime`.
    """
    tables = LevelTables(candidates)
    asked = np.zeros((len(candidates.factors), 1), dtype=np.int64)
    asked[list(balance)] = 1
    remaining = candidates.rows_of(start)[1] if remaining is None else remaining
    use = LevelUse(candidates, start, remaining)
    columns, owners, _ = main_effect_columns(candidates.factors, start)
    sums, products = columns.sum(axis=0), columns.T @ columns
    n_runs = len(start)
    while use.notice(remaining):
        n_runs += 1
        unbalance = tables.max(use.unbalance_after() * asked)
        least = np.flatnonzero(remaining & (unbalance == unbalance.min(where=remaining, initial=MANY)))
        aliasing = np.concatenate(
            [
                _aliasing_after(candidates, least[i : i + CHUNK // 4], owners, n_runs, sums, products)
                for i in range(0, len(least), CHUNK // 4)
            ]
        )
        chosen_from = least[aliasing <= aliasing.min() + TOLERANCE]
        step = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, n_runs))
        row = int(np.random.default_rng(step).choice(chosen_from))
        yield row
        taken = main_effect_columns(candidates.factors, candidates.codes[row][None])[0][0]
        sums, products = sums + taken, products + np.outer(taken, taken)
        remaining[row] = False
        use.take(candidates.codes[row])


def _aliasing_after(
    candidates: Candidates, rows: np.ndarray, owners: np.ndarray, n_runs: int, sums: np.ndarray, products: np.ndarray
) -> np.ndarray:
    """Largest absolute correlation between different factors' columns with each of the rows taken (n_rows,)."""
    added = main_effect_columns(candidates.factors, candidates.codes[rows])[0]
    matrices = correlations(n_runs, sums + added, products + added[:, :, None] * added[:, None, :])
    return np.abs(matrices * (owners[:, None] != owners)).max(axis=(1, 2), initial=0.0)
