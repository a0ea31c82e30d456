"""Where the coefficients of random terms stand in the cross-products: blocks that no row connects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from analysis.random_terms import RandomTerm
from study.errors import Fault, raise_all


@dataclass(frozen=True)
class Layout:
    """The random coefficients of n rows as J blocks of q columns, with K variances and covariances.

    Levels that share no row, directly or through others, stand in different blocks: one grouping factor has a block a
    level, a nested one a block for each level of the outer factor, crossed ones a single block. `z` (n, q) are the
    columns of each row's `block` (n,), scaled so that a coefficient's sum of squares is 1 a level; `scale` (q_t,) of
    each term is what its columns were multiplied by. Of each term, `levels` (L_t,) are its levels' names, `codes` (n,)
    the rows' levels and `position` (L_t, q_t) where coefficients stand in (J, q), flattened; `parameters` (q_t, q_t)
    say which of phi is which entry of its covariance, -1 where there is none; `tie` and `pairs` are those of `Design`.
    """

    block: np.ndarray
    z: np.ndarray | sparse.csr_array
    tie: np.ndarray
    pairs: np.ndarray
    levels: tuple[np.ndarray, ...]
    codes: tuple[np.ndarray, ...]
    position: tuple[np.ndarray, ...]
    scale: tuple[np.ndarray, ...]
    parameters: tuple[np.ndarray, ...]

    @property
    def correlated(self) -> tuple[np.ndarray, ...]:
        """The parameters of the terms whose coefficients are correlated."""
        return tuple(index for index in self.parameters if len(index) > 1 and index.min() >= 0)


def layout_of(random: Sequence[RandomTerm]) -> Layout:
    """Lay out the terms. Raises `InputFaults` for a row without a level."""
    factors = [pd.factorize(np.asarray(term.levels), sort=True) for term in random]
    raise_all(
        Fault("", f"levels of {term.group}", None, f"{int((codes < 0).sum())} rows have none")
        for term, (codes, _) in zip(random, factors, strict=True)
        if (codes < 0).any()
    )
    codes = [codes for codes, _ in factors]
    n_levels = [len(names) for _, names in factors]
    widths = [term.columns.shape[1] for term in random]
    of_level = _components(codes, n_levels)
    n_blocks = 1 + max(int(blocks.max()) for blocks in of_level)
    slots = [_rank_within(blocks) for blocks in of_level]
    if (
        n_blocks * sum((s.max() + 1) * w for s, w in zip(slots, widths, strict=True)) ** 3
        > sum(m * w for m, w in zip(n_levels, widths, strict=True)) ** 3
    ):  # blocks so uneven that one of them all is less work
        n_blocks, of_level = 1, [np.zeros(m, dtype=int) for m in n_levels]
        slots = [np.arange(m) for m in n_levels]
    starts = np.cumsum([0, *((s.max() + 1) * w for s, w in zip(slots, widths, strict=True))])
    q = int(starts[-1])
    columns = [
        start + slot[:, None] * width + np.arange(width)
        for start, slot, width in zip(starts[:-1], slots, widths, strict=True)
    ]
    values, scale = [], []
    for term, m in zip(random, n_levels, strict=True):
        raw = term.columns.to_numpy(dtype=float)
        squares = (raw**2).sum(axis=0)
        scale.append(np.sqrt(m / np.where(squares > 0.0, squares, m)))
        values.append(raw * scale[-1])
    if all((slot == 0).all() for slot in slots):
        z = np.hstack(values)
    else:
        where = np.hstack([at[code] for at, code in zip(columns, codes, strict=True)])
        n_rows, n_values = where.shape
        bounds = np.arange(n_rows + 1) * n_values
        z = sparse.csr_array((np.hstack(values).ravel(), where.ravel(), bounds), shape=(n_rows, q))
    parameters = _parameters(random)
    tie, pairs = _tie(parameters, starts, [int(slot.max()) + 1 for slot in slots], q)
    return Layout(
        of_level[0][codes[0]],
        z,
        tie,
        pairs,
        tuple(np.asarray(names).astype(str) for _, names in factors),
        tuple(codes),
        tuple(blocks[:, None] * q + at for blocks, at in zip(of_level, columns, strict=True)),
        tuple(scale),
        parameters,
    )


def _components(codes: list[np.ndarray], n_levels: list[int]) -> list[np.ndarray]:
    """The block of each level of each term: levels that a row has together are in one."""
    if all(np.array_equal(codes[0], others) for others in codes[1:]):
        return [np.arange(m) for m in n_levels]
    offsets = np.cumsum([0, *n_levels])
    first = np.concatenate([codes[0]] * (len(codes) - 1))
    other = np.concatenate([code + offset for code, offset in zip(codes[1:], offsets[1:-1], strict=True)])
    shape = (int(offsets[-1]), int(offsets[-1]))
    labels = connected_components(sparse.coo_array((np.ones(len(first)), (first, other)), shape=shape))[1]
    return np.split(labels, offsets[1:-1])


def _rank_within(blocks: np.ndarray) -> np.ndarray:
    """The position of each level among those of its block."""
    order = np.argsort(blocks, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(blocks))])[blocks[order]]
    rank = np.empty(len(blocks), dtype=int)
    rank[order] = np.arange(len(blocks)) - first
    return rank


def _parameters(random: Sequence[RandomTerm]) -> tuple[np.ndarray, ...]:
    """Which parameter each entry of each term's covariance is: its variances first, then its covariances, if any."""
    matrices, n_before = [], 0
    for term in random:
        width = term.columns.shape[1]
        index = np.full((width, width), -1)
        np.fill_diagonal(index, n_before + np.arange(width))
        n_before += width
        if term.correlated:
            row, column = np.tril_indices(width, -1)
            index[row, column] = index[column, row] = n_before + np.arange(len(row))
            n_before += len(row)
        matrices.append(index)
    return tuple(matrices)


def _tie(parameters: tuple[np.ndarray, ...], starts: np.ndarray, slots: list[int], q: int) -> tuple[np.ndarray, ...]:
    """`tie` and `pairs` of `Design`."""
    n_parameters = 1 + max(int(index.max()) for index in parameters)
    rows, pairs = np.zeros((q, n_parameters)), []
    of_pairs = []
    for index, start, n_slots in zip(parameters, starts[:-1], slots, strict=True):
        width = len(index)
        firsts = start + width * np.arange(n_slots)
        for a in range(width):
            rows[firsts + a, index[a, a]] = 1.0
            for b in range(a):
                if index[a, b] >= 0:
                    pairs.append(np.column_stack([firsts + a, firsts + b]))
                    of_pairs.append(np.full(n_slots, index[a, b]))
    if not pairs:
        return rows, np.empty((0, 2), dtype=int)
    owner = np.concatenate(of_pairs)
    return np.vstack([rows, 2.0 * (owner[:, None] == np.arange(n_parameters))]), np.concatenate(pairs)
