"""Coordinate exchange: the informative runs of a space too large to be listed.

Each run of a sequence is moved, one coordinate at a time, to where it adds most to the information on the main effects
that the runs before it give, until no move adds anything (Meyer & Nachtsheim 1995, run by run instead of for a design
of one size, so that every prefix is good). A coordinate is the strategy, a source or a further factor; where the number
of sources is fixed, one source takes another's place. Levels stay about as even as `anytime` keeps them.

The sequence, and many more runs drawn at random, are the candidates of such a space: a plan follows the sequence as
long as nothing else is asked of it, and has a choice where runs failed or another model counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from design.candidates import Factor, code_type, row_numbers
from design.information import RIDGE, level_columns
from study.core.columns import SOURCE

DRAWN = 2**16
"""Runs drawn at random that are candidates beside the sequence."""
MOST_DRAWN = 2**22
"""Runs drawn at random until so many as `DRAWN` keep the constraints."""
STARTS = 64
"""Runs drawn at random of which the most informative one is moved."""
LONGEST = 1024
WORK = 2e10
"""Operations that a sequence may take, about: with many terms it is shorter."""
EVEN_RUNS, EVEN_SHARE = 2, 0.05
"""By how many runs, and what share of the runs, the levels of a factor may differ in use."""

UNEVEN = 1e9
"""More than any run gains: what a level that would be too frequent counts against it."""


@dataclass(frozen=True)
class Space:
    """A space of runs as level numbers: the strategy, `n_sources` presences, further factors and, last, the number of
    sources. `sizes` has the numbers of sources that each strategy may have; `key` names the space and its seed."""

    key: str
    factors: tuple[Factor, ...] = field(compare=False)
    sizes: tuple[tuple[int, ...], ...] = field(compare=False)
    n_sources: int = field(compare=False)
    allowed: Callable[[np.ndarray], np.ndarray] = field(compare=False)
    seed: np.random.SeedSequence = field(compare=False)

    @property
    def n_levels(self) -> np.ndarray:
        return np.array([len(factor.levels) for factor in self.factors])

    def possible(self, codes: np.ndarray) -> np.ndarray:
        """The rows that are runs, with their number of sources set; others are left out."""
        n = codes[:, 1 : 1 + self.n_sources].sum(axis=1)
        levels = np.array(self.factors[-1].levels)
        may = np.array([[level in of for level in levels] for of in self.sizes])
        place = np.minimum(np.searchsorted(levels, n), len(levels) - 1)
        codes = codes.copy()
        codes[:, -1] = place
        codes = codes[(levels[place] == n) & may[codes[:, 0], place]]
        return codes[self.allowed(codes)]


@lru_cache(maxsize=8)
def runs_of_large_space(space: Space) -> np.ndarray:
    """Level numbers (n_runs, n_factors): the sequence first, then the runs drawn at random; none where none is found
    that keeps the constraints."""
    rng = np.random.default_rng(space.seed)
    found, n_drawn, n_kept = [], 0, 0
    while n_kept < DRAWN and n_drawn < MOST_DRAWN:
        found.append(space.possible(_drawn(space, DRAWN, rng)))
        n_drawn, n_kept = n_drawn + DRAWN, n_kept + len(found[-1])
    drawn = np.concatenate(found)
    if not len(drawn):
        return drawn.astype(code_type(space.factors))
    sequence = np.array(list(_sequence(space, drawn, rng)))
    codes = np.vstack([sequence, drawn])
    first = np.sort(np.unique(row_numbers(codes, space.n_levels.tolist()), return_index=True)[1])
    return codes[first].astype(code_type(space.factors))


def _drawn(space: Space, n: int, rng: np.random.Generator) -> np.ndarray:
    """Runs at random (n, n_factors): every strategy and number of sources, then every combination, as likely."""
    kinds = [(strategy, size) for strategy, of in enumerate(space.sizes) for size in of]
    strategy, size = np.array(kinds)[rng.integers(len(kinds), size=n)].T
    present = rng.random((n, space.n_sources)).argsort(axis=1).argsort(axis=1) < size[:, None]
    levels = [rng.integers(k, size=n) for k in space.n_levels[1 + space.n_sources :]]
    return np.column_stack([strategy, present, *levels]).astype(np.int64)


def _sequence(space: Space, drawn: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The runs (n_factors,) of the sequence, no run twice."""
    table, columns = level_columns(space.factors), np.arange(len(space.factors))
    n_terms = table.shape[2]
    n_moves = int(space.n_levels.sum()) + space.n_sources**2 // 4
    inverse = np.eye(n_terms) / RIDGE
    counts = np.zeros((len(space.factors), int(space.n_levels.max())), dtype=np.int64)
    taken: set[bytes] = set()
    evened = np.flatnonzero([not f.name.startswith(SOURCE) and not f.is_derived for f in space.factors])
    for n_runs in range(1, min(LONGEST, int(WORK / (20 * n_moves * n_terms**2)) + 2 * n_terms) + 1):
        limit = EVEN_RUNS + int(EVEN_SHARE * n_runs)
        least = np.array([counts[factor, : space.n_levels[factor]].min() for factor in evened])
        moves, value = drawn[rng.integers(len(drawn), size=STARTS)], -np.inf
        while len(moves):
            x = table[columns, moves].sum(axis=1)
            uneven = counts[evened, moves[:, evened]] + 1 - least > limit
            values = np.einsum("ij,ij->i", x @ inverse, x) - UNEVEN * uneven.sum(axis=1)
            best = int(values.argmax())
            if value > -np.inf and values[best] <= value + 1e-9 * abs(value):
                break
            row, value = moves[best], float(values[best])
            moves = _moves(space, row)
        if row.tobytes() in taken:
            continue
        taken.add(row.tobytes())
        counts[columns, row] += 1
        x = table[columns, row].sum(axis=0)
        direction = inverse @ x
        inverse = inverse - np.outer(direction, direction) / (1 + x @ direction)
        yield row


def _moves(space: Space, row: np.ndarray) -> np.ndarray:
    """Possible runs (n_moves, n_factors) that differ from one in a coordinate, or in which of two sources is there."""
    found = []
    for factor, n_levels in enumerate(space.n_levels[:-1]):
        levels = np.arange(n_levels)
        moved = np.repeat(row[None], len(levels), axis=0)
        moved[:, factor] = levels
        found.append(moved[levels != row[factor]])
    present = row[1 : 1 + space.n_sources] == 1
    for leaving in 1 + np.flatnonzero(present):
        coming = 1 + np.flatnonzero(~present)
        moved = np.repeat(row[None], len(coming), axis=0)
        moved[:, leaving] = 0
        moved[np.arange(len(coming)), coming] = 1
        found.append(moved)
    return space.possible(np.vstack(found))
