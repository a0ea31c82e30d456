"""Balance: how evenly the levels of each factor are used."""

from __future__ import annotations

import numpy as np

from design.candidates import Candidates

MANY = 2**40
"""More runs than there are."""


def level_counts(codes: np.ndarray, n_levels: np.ndarray) -> np.ndarray:
    """How many rows of `codes` (n_runs, n_factors) have each level: (n_factors, largest number of levels)."""
    counts = np.zeros((len(n_levels), max(n_levels, default=1)), dtype=np.int64)
    for factor in range(len(n_levels)):
        counts[factor, : n_levels[factor]] = np.bincount(codes[:, factor], minlength=n_levels[factor])
    return counts


def unbalance(counts: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Largest less smallest level count over the last axis, levels with no candidate `left` excepted.

    0 where every level is exhausted. Kim et al. 2019, 4.3.
    """
    alive = left > 0
    smallest = np.minimum.reduce(np.where(alive, counts, MANY), axis=-1)
    largest = np.maximum.reduce(np.where(alive, counts, 0), axis=-1)
    return np.maximum(largest - smallest, 0)


class LevelUse:
    """Level counts of a growing design, and of the candidates that are left."""

    def __init__(self, candidates: Candidates, start: np.ndarray, remaining: np.ndarray) -> None:
        """`start` (n_runs, n_factors) has run already; `remaining` (n_candidates,) marks the candidates left."""
        n_levels = np.array([len(factor.levels) for factor in candidates.factors])
        self.counts = level_counts(start, n_levels)
        self._candidates, self._n_levels = candidates, n_levels
        self._count_left(remaining)
        self._step = np.eye(self.counts.shape[1], dtype=np.int64)
        self._rows = np.arange(len(n_levels)) * self.counts.shape[1]

    def notice(self, remaining: np.ndarray) -> int:
        """How many candidates remain; those that were taken elsewhere since the last step are counted out."""
        n_left = int(np.count_nonzero(remaining))
        if n_left != self._n_left:
            self._count_left(remaining)
        return n_left

    def rarer_than(self, least: int) -> np.ndarray:
        """Levels with fewer than `least` runs for which candidates are left (n_factors, n_levels)."""
        return (self.counts < least) & (self.left > 0)

    def _count_left(self, remaining: np.ndarray) -> None:
        self.left = level_counts(self._candidates.codes[remaining], self._n_levels)
        self._n_left = int(np.count_nonzero(remaining))

    def unbalance(self) -> np.ndarray:
        """Of each factor (n_factors,)."""
        return unbalance(self.counts, self.left)

    def unbalance_after(self) -> np.ndarray:
        """Of each factor if a run with a level is taken: (n_factors, n_levels)."""
        return unbalance(self.counts[:, None, :] + self._step, self.left[:, None, :] - self._step)

    def take(self, levels: np.ndarray) -> None:
        """Move a candidate (n_factors,) to the design."""
        entries = self._rows + levels
        self.counts.reshape(-1)[entries] += 1
        self.left.reshape(-1)[entries] -= 1
        self._n_left -= 1
