"""How much scores vary where nothing is known yet, and at which level and power effects are judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.core.columns import FACTOR

ALPHA = 0.05
"""Below it a p value, adjusted where it is one of several, makes a difference statistically significant."""

WANTED_POWER = 0.8
"""The power that `smallest` effects have: found four times in five."""

STRATEGY_SD, SLOPE_SD, FACTOR_SD = 0.15, 0.03, 0.1
"""Between targets: of strategies, of slopes on n*, and of a further factor's effect over its range. With the residual
near the paper's, which prints none: scores so made have a deviation of about 1 within a target, as standardised ones
have, and slopes standard errors of about 0.024 on the paper's plan."""

RESIDUAL_SD, RUN_SD, COMBINATION_SD = 0.75, 0.3, 0.2
"""Within a target: of a single score, of what all scores of a run share, and of what all runs of a combination share.
The demo's runs share more."""

AROUND_SD = math.sqrt(RESIDUAL_SD**2 + RUN_SD**2 + COMBINATION_SD**2)
"""All of that together."""
RUN_SHARE = 1 - (RESIDUAL_SD / AROUND_SD) ** 2
"""The part of it that a run has on all targets alike, its combination's included: 0.19."""


@dataclass(frozen=True)
class Variances:
    """Of scores standardised within a target: of the terms `between` targets, and the `residual` within a target, of
    which a run has the part `run_share` on all targets alike."""

    between: Mapping[str, float]
    residual: float
    run_share: float = 0.0


def assumed_variances(columns: pd.DataFrame, run_share: float = RUN_SHARE) -> Variances:
    """The variances near the paper's for the terms of a plan's first model (n_runs, n_terms)."""
    between = {str(term): between_sd(str(term), column) ** 2 for term, column in columns.items()}
    return Variances(between, AROUND_SD**2, run_share)


def between_sd(term: str, column: pd.Series) -> float:
    """The deviation between targets that is assumed of a term of the first model with this column (n_runs,)."""
    if term.startswith(FACTOR):
        return FACTOR_SD / float(np.ptp(column))
    return SLOPE_SD if term.endswith(":n_star") else STRATEGY_SD
