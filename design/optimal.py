"""`D`, `A`, `I`: greedy orders by information alone, whatever that does to the balance.

D grows log det X'X. A lowers trace (X'X)^-1, the summed variance of the terms. I lowers the mean prediction variance
over the candidates, trace W (X'X)^-1 with W their mean x x'. Atkinson, Donev & Tobias 2007, chapters 10 and 11.

Fewer runs than terms leave some variance without a bound, whichever they are; so many are taken by D.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from design.anytime import first_of_best
from design.candidates import Candidates
from design.information import Information, MainEffects, level_columns, model_columns, moments
from design.level_tables import LevelTables

WEIGHTS: dict[str, Callable[[Candidates], np.ndarray | None]] = {
    "D": lambda candidates: None,
    "A": lambda candidates: np.eye(level_columns(candidates.factors).shape[2]),
    "I": moments,
}


def optimal(
    criterion: str,
    candidates: Candidates,
    start: np.ndarray,
    seed: np.random.SeedSequence,
    remaining: np.ndarray | None = None,
) -> Iterator[int]:
    """Rows of the candidates in the order to run them, after `start` (n_runs, n_factors level numbers), to the last.

    `remaining` as in `anytime`.
    """
    order = np.random.default_rng(seed).permutation(len(candidates))
    model = MainEffects(candidates, LevelTables(candidates))
    information = Information(model, model_columns(candidates.factors, start), WEIGHTS[criterion](candidates))
    remaining = candidates.rows_of(start)[1] if remaining is None else remaining
    n_runs = len(start) - 1
    while remaining.any():
        n_runs += 1
        gain, drop = information.gain, information.drop
        by_gain = drop is None or n_runs < len(information.inverse)
        row = first_of_best(1 + gain if by_gain else drop / (1 + gain), remaining, order)
        yield row
        remaining[row] = False
        information.take(row)
