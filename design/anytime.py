"""`anytime`: an order of runs that is near the best design of its size wherever it stops.

Each step takes the most informative run. Balance comes first: only runs that leave every factor asked for within
`ALLOWED_SHARE` of the runs (and `ALLOWED_RUNS`) of balance may be taken. Factors that can all be balanced at once come
first; of factors that contradict each other the largest unbalance counts, and comes after. Where no run keeps a limit,
those may be taken that come nearest to it. A level that no run has had after `UNUSED_AFTER` runs per term comes before
all this. So does a number of sources with less than `LEAST_SHARE` of the runs where slopes on it are what is wanted:
they alone would be known best from the smallest and the largest, and nobody could see whether lines are lines. Among
what is left, the log determinant of the information matrix of the phase's model (`design.model`) grows most.

The number of sources is no term of the main effects' matrix, so nothing in it would keep their counts from drifting.
Where they are to be balanced, a candidate's gain in log determinant is therefore lowered by `DRIFT` times the unbalance
of n_sources that it would leave, over the number of runs; and, with the strategy balanced too, by `WITHIN_STRATEGY`
times the runs of its strategy that have its n_sources already: slopes on n_sources within strategies need it spread.

Ties are many, and which of them is taken shows in the first prefixes. So `OPENINGS` tie-breaking orders are drawn and
an opening of three runs a term is grown with each from nothing; the order whose opening is least aliased, on average
over its prefixes, and most informative at its end breaks the ties of the whole design. It depends on the candidates and
the seed alone, so a plan that is extended is the plan made at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from design.aliasing import main_effect_columns, prefix_aliasing
from design.balance import MANY, LevelUse
from design.candidates import Candidates
from design.contradictions import balance_groups
from design.information import log_efficiency, model_columns
from design.level_tables import LevelTables
from design.model import Criterion, Part, columns_of_parts
from design.space_filling import SpaceFilling
from study.core.columns import SOURCE
from study.core.design_models import MAIN

ALLOWED_RUNS, ALLOWED_SHARE = 2, 0.05
DRIFT, WITHIN_STRATEGY = 2.0, 0.5
OPENINGS = 14
OPENING_RUNS_PER_TERM = 3
UNUSED_AFTER = 2
LEAST_SHARE = 0.06
LATE = 5
"""Runs per term of the main effects after which late parts of the model count (design.model)."""
SLACK = 1
"""Runs by which factors that contradict each other stay within their limit while a late part pulls at them."""
CONCEDED = 2
"""Runs by which limits are wider where the sources cannot be even at all: an even number of sources then costs most."""
EFFICIENCY_WEIGHT = 10
"""What a relative loss of D-efficiency at an opening's end counts beside its mean aliasing: about alike."""
MANY_CANDIDATES = 2**16
"""Above, one opening only: among so many candidates a step is dear, and the ties matter less."""

NEAR = 0.1
"""Of candidates in an order of their own (design.coordinate_exchange) the first that gains nearly as much as any is
taken: their sequence is good as a whole, and one run that gains a little more would end it."""
TOLERANCE = 1e-7
"""Scores that differ by less than this share are ties: rounding, which differs between machines, decides nothing."""


def anytime(
    candidates: Candidates,
    start: np.ndarray,
    balance: tuple[int, ...],
    seed: np.random.SeedSequence,
    cost: np.ndarray | None = None,
    remaining: np.ndarray | None = None,
    model: Sequence[Part] = (Part(MAIN),),
) -> Iterator[int]:
    """Rows of the candidates in the order to run them, after `start` (n_runs, n_factors level numbers), to the last.

    `balance` holds the positions of the factors to balance. With `cost` (n_candidates,), in any unit, the gain in log
    determinant counts per cost: what is best for the money, not for the number of runs. `remaining` (n_candidates,)
    marks the candidates left, without it all but `start`; marks that are cleared between two steps are heeded. `model`
    holds the parts of what the information is about.
    """
    rng = np.random.default_rng(seed)
    tables = LevelTables(candidates)
    limits = _Limits(candidates, tables, balance)
    worth = None if cost is None else cost.mean() / cost
    nothing = start[:0]
    n_terms = model_columns(candidates.factors, nothing).shape[1]
    length = OPENING_RUNS_PER_TERM * n_terms + 1
    several = length < len(candidates) <= MANY_CANDIDATES and not candidates.in_order
    orders = [rng.permutation(len(candidates)) for _ in range(OPENINGS if several else 1)]
    if candidates.in_order:
        orders = [np.arange(len(candidates))]

    early = columns_of_parts(candidates, tables, nothing, [part for part in model if not part.late])

    def loss(order: np.ndarray) -> float:
        every = np.ones(len(candidates), dtype=bool)
        rows = list(islice(_grow(candidates, Criterion(early), limits, nothing, order, worth, every), length))
        codes = candidates.codes[rows]
        columns, owners, _ = main_effect_columns(candidates.factors, codes)
        aliasing = float(prefix_aliasing(columns, owners)[n_terms:].mean())
        return aliasing - EFFICIENCY_WEIGHT * log_efficiency(model_columns(candidates.factors, codes))

    losses = [loss(order) for order in orders] if several else [0.0]
    best = next(number for number, value in enumerate(losses) if value <= min(losses) + TOLERANCE)
    remaining = candidates.rows_of(start)[1] if remaining is None else remaining
    criterion = Criterion(columns_of_parts(candidates, tables, start, model))
    yield from _grow(candidates, criterion, limits, start, orders[best], worth, remaining)


def first_of_best(score: np.ndarray, allowed: np.ndarray, order: np.ndarray, near: float = 0.0) -> int:
    """The allowed candidate of the highest (positive) score; among ties, or of those so `near` to it on a logarithmic
    scale, the first in the tie-breaking order."""
    score = np.where(allowed, score, -np.inf)
    highest = score.max()
    least = highest * (1 - TOLERANCE) * np.exp(-near * abs(np.log(highest)))
    ties = np.flatnonzero(score >= least)
    return int(ties[order[ties].argmin()])


def _grow(
    candidates: Candidates,
    criterion: Criterion,
    limits: _Limits,
    start: np.ndarray,
    order: np.ndarray,
    worth: np.ndarray | None,
    remaining: np.ndarray,
) -> Iterator[int]:
    use = LevelUse(candidates, start, remaining)
    drift = _Drift(candidates, start, limits)
    filling = SpaceFilling(candidates, start)
    has_to_be_used = np.array([[not factor.is_range] for factor in candidates.factors])
    n_runs = len(start)
    while use.notice(remaining):
        n_runs += 1
        late = n_runs > LATE * criterion.n_terms
        score = criterion.score(late)
        if worth is not None:
            score **= worth
        after = use.unbalance_after()
        allowed = remaining
        if n_runs > UNUSED_AFTER * criterion.n_terms:
            allowed = limits.with_level_of(allowed, use.rarer_than(1) * has_to_be_used)
        if criterion.has_slopes:
            allowed = limits.with_level_of(allowed, use.rarer_than(int(LEAST_SHARE * n_runs)) * limits.is_derived)
        allowed = limits.kept(allowed, after, n_runs, SLACK if late and criterion.has_late else 0)
        allowed = filling.kept(allowed, n_runs)
        if drift.matters:
            score *= drift.of_candidates(after, n_runs)
        row = first_of_best(score, allowed, order, NEAR * candidates.in_order)
        yield row
        levels = candidates.codes[row]
        remaining[row] = False
        use.take(levels)
        drift.take(levels)
        filling.take(levels)
        criterion.take(row)


class _Limits:
    """Which candidates may be taken: the balance that they leave within its limits, or as near as can be."""

    def __init__(self, candidates: Candidates, tables: LevelTables, balance: tuple[int, ...]) -> None:
        self.balance, self._tables = balance, tables
        agreeing, contradicting = balance_groups(candidates, balance)
        n_factors = len(candidates.factors)
        self.is_derived = np.array([[factor.is_derived] for factor in candidates.factors])
        self._agreeing = _marked(sum(agreeing, ()), n_factors)
        self._units = [_marked(unit, n_factors) for unit in agreeing]
        self._groups = [_marked(group, n_factors) for group in contradicting]
        self.concedes = (n_factors - 1,) in agreeing and any(
            all(candidates.factors[p].name.startswith(SOURCE) for p in group) for group in contradicting
        )
        self._conceded = CONCEDED * self.concedes * self.is_derived

    def kept(self, allowed: np.ndarray, unbalance_after: np.ndarray, n_runs: int, slack: int = 0) -> np.ndarray:
        """Those of the allowed candidates (n_candidates,) that keep the limits, each group's among what is left."""
        limit = ALLOWED_RUNS + int(ALLOWED_SHARE * n_runs)
        if self._units:
            counted = unbalance_after - self._conceded
            within = allowed & (self._tables.max(counted * self._agreeing) <= limit)
            allowed = within if within.any() else self._nearest(allowed, self._units, counted, limit)
        return self._nearest(allowed, self._groups, unbalance_after, limit - slack, CONCEDED * self.concedes)

    def with_level_of(self, allowed: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Those of the allowed candidates that have a level of `wanted` (n_factors, n_levels); all where none has."""
        if not wanted.any():
            return allowed
        having = allowed & self._tables.max(wanted)
        return having if having.any() else allowed

    def _nearest(
        self,
        allowed: np.ndarray,
        groups: Sequence[np.ndarray],
        unbalance_after: np.ndarray,
        limit: int,
        conceded: int = 0,
    ) -> np.ndarray:
        for group in groups:
            unbalance = self._tables.max(unbalance_after * group)
            allowed = allowed & (unbalance <= max(unbalance.min(where=allowed, initial=MANY) + conceded, limit))
        return allowed


def _marked(positions: Sequence[int], n_factors: int) -> np.ndarray:
    marks = np.zeros((n_factors, 1), dtype=np.int64)
    marks[list(positions)] = 1
    return marks


class _Drift:
    """What keeps the number of sources even, overall and within each strategy."""

    def __init__(self, candidates: Candidates, start: np.ndarray, limits: _Limits) -> None:
        strategy, number = 0, len(candidates.factors) - 1
        n_levels = len(candidates.factors[number].levels)
        self.matters = number in limits.balance and n_levels > 1
        self._number, self._n_levels = number, n_levels
        self._within = WITHIN_STRATEGY if strategy in limits.balance and not limits.concedes else 0.0
        self._runs = np.zeros((len(candidates.factors[strategy].levels), n_levels))
        np.add.at(self._runs, (start[:, strategy], start[:, number]), 1)
        if self.matters:
            self._cells = candidates.codes[:, strategy].astype(np.intp) * n_levels + candidates.codes[:, number]

    def of_candidates(self, unbalance_after: np.ndarray, n_runs: int) -> np.ndarray:
        """What the determinant's factor 1 + gain is multiplied by (n_candidates,)."""
        lost = DRIFT * unbalance_after[self._number, : self._n_levels] + self._within * self._runs
        return np.exp(-lost / n_runs).ravel().take(self._cells)

    def take(self, levels: np.ndarray) -> None:
        self._runs[levels[0], levels[self._number]] += 1
