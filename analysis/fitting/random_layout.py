"""Where the coefficients of random terms stand in the cross-products: blocks that no row connects, and a border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from analysis.fitting.covariance_parameters import Ties
from analysis.fitting.random_terms import RandomTerm
from study.core.errors import Fault, raise_all

WORTH_A_BORDER = 0.3
"""The share of the work without a border below which one is drawn: small problems are done before it pays."""

MANY_COLUMNS = 100

DEPENDENT = 1e-9
"""The share of a random column's length that the columns before it leave, from which it depends on them."""


@dataclass(frozen=True)
class Layout:
    """The random coefficients of n rows as J blocks of q columns and a border of b columns.

    Levels that share no row, directly or through others, stand in different blocks: one grouping factor has a block a
    level, a nested one a block for each level of the outer factor. Of crossed factors, those with few levels are the
    border, whose columns `u` (n, b) are the same for all blocks. `z` (n, q) are the columns of each row's `block` (n,).
    Columns are scaled so that a coefficient's sum of squares is 1 a level, and correlated ones are orthogonal, so that
    it does not matter where a column has its zero; `transform` (q_t, q_t) of each term is what its columns were
    multiplied by. Of each term, `levels` (L_t,) are its levels' names, `codes` (n,) the rows' levels, and
    `position` (L_t, q_t) where coefficients stand in the (J, q) of the blocks, flattened, and the border after it.
    `parameters` (q_t, q_t) say which parameter is which entry of its covariance, -1 where there is none.
    """

    block: np.ndarray
    z: np.ndarray | sparse.csr_array
    u: np.ndarray | sparse.csr_array
    blocks: Ties
    border: Ties
    levels: tuple[np.ndarray, ...]
    codes: tuple[np.ndarray, ...]
    position: tuple[np.ndarray, ...]
    transform: tuple[np.ndarray, ...]
    parameters: tuple[np.ndarray, ...]

    @property
    def squared_scale(self) -> np.ndarray:
        """What the squares of the columns were multiplied by (K,), where no coefficients are correlated."""
        found = np.empty(1 + max((int(index.max()) for index in self.parameters), default=-1))
        for index, transform in zip(self.parameters, self.transform, strict=True):
            found[np.diag(index)] = np.diag(transform) ** 2
        return found

    @property
    def dense_u(self) -> np.ndarray:
        """`u`, which is sparse where there are many columns, as an array."""
        return np.asarray(self.u.toarray()) if isinstance(self.u, sparse.csr_array) else self.u

    @property
    def correlated(self) -> tuple[np.ndarray, ...]:
        """The parameters of the terms whose coefficients are correlated."""
        return tuple(index for index in self.parameters if len(index) > 1 and index.min() >= 0)


@dataclass(frozen=True)
class _Columns:
    """Where the levels of some terms stand: the block of each level and its first column there, of each term."""

    block: list[np.ndarray]
    first: list[np.ndarray]
    n_blocks: int
    n_columns: int

    def work(self, n_border: int) -> float:
        """About how many multiplications an evaluation takes."""
        return self.n_blocks * self.n_columns * (self.n_columns + n_border) ** 2 + n_border**3


def layout_of(random: Sequence[RandomTerm]) -> Layout:
    """Lay out the terms. Raises `InputFaults` for a row without a level."""
    factors = [pd.factorize(np.asarray(term.levels), sort=True) for term in random]
    raise_all(
        Fault("", f"levels of {term.group}", None, f"{int((codes < 0).sum())} rows have none")
        for term, (codes, _) in zip(random, factors, strict=True)
        if (codes < 0).any()
    )
    codes, n_levels = [codes for codes, _ in factors], np.array([len(names) for _, names in factors])
    widths = np.array([term.columns.shape[1] for term in random])
    in_border, columns = _division(codes, n_levels, widths)
    transform = [_transform(term, int(m)) for term, m in zip(random, n_levels, strict=True)]
    values = [term.columns.to_numpy(dtype=float) @ one for term, one in zip(random, transform, strict=True)]
    parameters = _parameters(random)
    border = _columns([np.zeros(m, dtype=int) for m in n_levels[in_border]], widths[in_border])
    firsts, position = [], []
    inner, outer = iter(zip(columns.block, columns.first, strict=True)), iter(border.first)
    for width, bordering in zip(widths, in_border, strict=True):
        block, first = (0, next(outer)) if bordering else next(inner)
        start = columns.n_blocks * columns.n_columns if bordering else block * columns.n_columns
        firsts.append(first)
        position.append(np.atleast_1d(start + first)[:, None] + np.arange(width))
    kept, crossing = np.flatnonzero(~in_border), np.flatnonzero(in_border)
    by_row = [(firsts[t][codes[t]], values[t]) for t in range(len(random))]
    return Layout(
        columns.block[0][codes[kept[0]]],
        _spread([by_row[t] for t in kept], len(codes[0]), columns.n_columns),
        _spread([by_row[t] for t in crossing], len(codes[0]), border.n_columns),
        _ties([(parameters[t], np.unique(firsts[t])) for t in kept], columns.n_columns, parameters),
        _ties([(parameters[t], firsts[t]) for t in crossing], border.n_columns, parameters),
        tuple(np.asarray(names).astype(str) for _, names in factors),
        tuple(codes),
        tuple(position),
        tuple(transform),
        parameters,
    )


def _transform(term: RandomTerm, n_levels: int) -> np.ndarray:
    """What a term's columns (n, q_t) are multiplied by (q_t, q_t): a diagonal matrix where they are independent, and
    where they depend on each other."""
    raw = term.columns.to_numpy(dtype=float)
    lengths = np.linalg.norm(raw, axis=0)
    if term.tied:
        lengths = np.full(len(lengths), np.sqrt((lengths**2).mean()))
    scale = np.diag(np.sqrt(n_levels) / np.where(lengths > 0.0, lengths, np.sqrt(n_levels)))
    if not term.correlated or len(raw) < len(scale):
        return scale
    root = np.linalg.qr(raw @ scale, mode="r")
    if np.abs(np.diag(root)).min() < DEPENDENT * np.sqrt(n_levels):
        return scale
    return np.asarray(scale @ np.linalg.inv(root) * np.sqrt(n_levels))


def no_layout(n_rows: int) -> Layout:
    """That of n rows without any random term: least squares."""
    nothing, none = Ties(np.empty((0, 0))), np.empty((n_rows, 0))
    return Layout(np.zeros(n_rows, dtype=int), none, none, nothing, nothing, (), (), (), (), ())


def _division(codes: list[np.ndarray], n_levels: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, _Columns]:
    """Which terms are the border, and the columns of the others: what takes the least work."""
    sizes = n_levels * widths
    best = np.zeros(len(codes), dtype=bool), _in_blocks(codes, n_levels, widths, 0)
    least = WORTH_A_BORDER * best[1].work(0)
    for n_terms in range(1, len(codes)):
        in_border = np.zeros(len(codes), dtype=bool)
        in_border[np.argsort(sizes, kind="stable")[:n_terms]] = True
        n_border = int(sizes[in_border].sum())
        inner = [code for code, out in zip(codes, in_border, strict=True) if not out]
        columns = _in_blocks(inner, n_levels[~in_border], widths[~in_border], n_border)
        if columns.work(n_border) < least:
            best, least = (in_border, columns), columns.work(n_border)
    return best


def _in_blocks(codes: list[np.ndarray], n_levels: np.ndarray, widths: np.ndarray, n_border: int) -> _Columns:
    """The levels in blocks that no row connects: a component each or, where these are uneven, several together."""
    components = _components(codes, n_levels)
    n_components = 1 + max(int(one.max()) for one in components)
    counts = [np.bincount(one, minlength=n_components) for one in components]
    size = np.sum([count * width for count, width in zip(counts, widths, strict=True)], axis=0)
    divisions = [_columns(components, widths)]
    while np.ptp(size) > 0 and divisions[-1].n_blocks > 1:
        block = _dealt(size, divisions[-1].n_blocks // 2)
        divisions.append(_columns([block[one] for one in components], widths))
    return min(divisions, key=lambda columns: columns.work(n_border))


def _dealt(size: np.ndarray, n_blocks: int) -> np.ndarray:
    """A block for each component so that all have about the same size: the largest first, each to the emptiest."""
    heap = [(0, block) for block in range(n_blocks)]
    of_component = np.empty(len(size), dtype=int)
    for component in np.argsort(-size, kind="stable"):
        filled, block = heap[0]
        of_component[component] = block
        heapreplace(heap, (filled + int(size[component]), block))
    return of_component


def _columns(block: list[np.ndarray], widths: np.ndarray) -> _Columns:
    """The columns of levels in given blocks: of each term as many as the block with most of its levels needs."""
    slots = [_rank_within(one) for one in block]
    starts = np.cumsum([0, *((slot.max() + 1) * width for slot, width in zip(slots, widths, strict=True))])
    firsts = [start + slot * width for start, slot, width in zip(starts[:-1], slots, widths, strict=True)]
    return _Columns(block, firsts, 1 + max((int(one.max()) for one in block), default=0), int(starts[-1]))


def _components(codes: list[np.ndarray], n_levels: np.ndarray) -> list[np.ndarray]:
    """The component of each level of each term: levels that a row has together are in one."""
    if all(np.array_equal(codes[0], others) for others in codes[1:]):
        return [np.arange(m) for m in n_levels]
    offsets = np.cumsum([0, *n_levels])
    first = np.concatenate([codes[0]] * (len(codes) - 1))
    other = np.concatenate([code + offset for code, offset in zip(codes[1:], offsets[1:-1], strict=True)])
    together = sparse.coo_array((np.ones(len(first)), (first, other)), shape=(int(offsets[-1]), int(offsets[-1])))
    return np.split(connected_components(together)[1], offsets[1:-1])


def _rank_within(blocks: np.ndarray) -> np.ndarray:
    """The position of each level among those of its block."""
    order = np.argsort(blocks, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(blocks))])[blocks[order]]
    rank = np.empty(len(blocks), dtype=int)
    rank[order] = np.arange(len(blocks)) - first
    return rank


def _dense(terms: list[tuple[np.ndarray, np.ndarray]], n_rows: int, n_columns: int) -> np.ndarray:
    """Columns (n, n_columns) of each term's first column (n,) by row and its values (n, q_t)."""
    if len(terms) == 1 and terms[0][1].shape[1] == n_columns:
        return terms[0][1]
    columns = np.zeros((n_rows, n_columns))
    for first, values in terms:
        columns[np.arange(n_rows)[:, None], first[:, None] + np.arange(values.shape[1])] = values
    return columns


def _spread(terms: list[tuple[np.ndarray, np.ndarray]], n_rows: int, n_columns: int) -> np.ndarray | sparse.csr_array:
    """The same, sparse where there are many columns."""
    if n_columns < MANY_COLUMNS:
        return _dense(terms, n_rows, n_columns)
    values = np.hstack([value for _, value in terms])
    where = np.hstack([first[:, None] + np.arange(value.shape[1]) for first, value in terms])
    bounds = np.arange(n_rows + 1) * values.shape[1]
    return sparse.csr_array((values.ravel(), where.ravel(), bounds), shape=(n_rows, n_columns))


def _parameters(random: Sequence[RandomTerm]) -> tuple[np.ndarray, ...]:
    """Which parameter each entry of each term's covariance is: its variances first, then its covariances, if any."""
    matrices, n_before = [], 0
    for term in random:
        width = term.columns.shape[1]
        index = np.full((width, width), -1)
        np.fill_diagonal(index, n_before + (0 if term.tied else np.arange(width)))
        if term.correlated:
            row, column = np.tril_indices(width, -1)
            index[row, column] = index[column, row] = n_before + width + np.arange(len(row))
        n_before += term.n_parameters
        matrices.append(index)
    return tuple(matrices)


def _ties(terms: list[tuple[np.ndarray, np.ndarray]], n_columns: int, parameters: tuple[np.ndarray, ...]) -> Ties:
    """The ties of terms by their parameters and the first columns of their levels."""
    n_parameters = 1 + max(int(index.max()) for index in parameters)
    rows, owners, pairs = np.zeros((n_columns, n_parameters)), [], []
    for index, firsts in terms:
        for a, b in zip(*np.tril_indices(len(index)), strict=True):
            if a == b:
                rows[firsts + a, index[a, a]] = 1.0
            elif index[a, b] >= 0:
                pairs.append(np.column_stack([firsts + a, firsts + b]))
                owners.append(np.full(len(firsts), index[a, b]))
    if not pairs:
        return Ties(rows)
    twice = 2.0 * (np.concatenate(owners)[:, None] == np.arange(n_parameters))
    return Ties(np.vstack([rows, twice]), np.concatenate(pairs))
