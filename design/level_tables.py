"""Numbers that depend on a run's levels, for all candidates at once.

A sum over twenty factors for each of a million candidates is a million times twenty additions. Packed in blocks of
factors, whose combinations are few, it is one look-up a block: the sums of a block are worked out for its combinations
only. This is what makes a step of the design cost as much as its candidates, not as candidates x terms.
"""

from __future__ import annotations

import numpy as np

from design.candidates import Candidates

BLOCK_SIZE = 1024
"""Combinations of a block at most, so that its table stays in the fastest memory."""


class LevelTables:
    """Look-ups over the factors of some candidates; a table is (n_factors, largest n_levels), padded with anything."""

    def __init__(self, candidates: Candidates) -> None:
        self.n_levels = np.array([len(factor.levels) for factor in candidates.factors])
        self._blocks: list[tuple[np.ndarray, np.ndarray]] = []
        largest = min(BLOCK_SIZE, len(candidates) // 8)
        block: list[int] = []
        for factor in range(len(self.n_levels)):
            if block and np.prod(self.n_levels[[*block, factor]]) > largest:
                self._blocks.append(self._packed(candidates, block))
                block = []
            block.append(factor)
        self._blocks.append(self._packed(candidates, block))

    def sum(self, table: np.ndarray) -> np.ndarray:
        """For each candidate the sum of its levels' entries (n_candidates,)."""
        return self._combined(table, np.add)

    def max(self, table: np.ndarray) -> np.ndarray:
        """For each candidate the largest of its levels' entries (n_candidates,)."""
        return self._combined(table, np.maximum)

    def _packed(self, candidates: Candidates, block: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Where a combination's entries stand in a table (n_factors, n_combinations); each candidate's combination."""
        sizes: list[int] = self.n_levels[block].tolist()
        combinations = np.indices(sizes).reshape(len(block), -1)
        packed = np.zeros(len(candidates), dtype=np.intp)
        for factor, size in zip(block, sizes, strict=True):
            packed *= size
            packed += candidates.codes[:, factor]
        return np.array(block)[:, None] * self.n_levels.max() + combinations, packed

    def _combined(self, table: np.ndarray, operation: np.ufunc) -> np.ndarray:
        parts = (operation.reduce(table.take(entries)).take(packed) for entries, packed in self._blocks)
        result = next(parts)
        for part in parts:
            operation(result, part, out=result)
        return result
