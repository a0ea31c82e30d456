"""How much scores vary where nothing is known yet, and at which level and power effects are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALPHA = 0.05
"""Below it a p value, adjusted where it is one of several, makes a difference statistically significant."""

WANTED_POWER = 0.8
"""The power that `smallest` effects have: found four times in five."""

STRATEGY_SD, SLOPE_SD, RESIDUAL_SD = 0.15, 0.03, 0.75
"""Between targets and within them, for the paper prints none: scores so made have a deviation of about 1 within a
target, as standardised ones have, and slopes standard errors of about 0.024 on the paper's plan."""


@dataclass(frozen=True)
class Variances:
    """Of scores standardised within a target: of the terms `between` targets, and the `residual` within a target, of
    which a run has the part `run_share` on all targets alike."""

    between: Mapping[str, float]
    residual: float
    run_share: float = 0.0


def assumed_variances(random_terms: Iterable[str], run_share: float = 0.0) -> Variances:
    """The variances near the paper's: intercepts of strategies, and slopes on n*."""
    between = {term: (SLOPE_SD if term.endswith(":n_star") else STRATEGY_SD) ** 2 for term in random_terms}
    return Variances(between, RESIDUAL_SD**2, run_share)
