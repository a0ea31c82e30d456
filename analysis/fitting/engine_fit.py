"""What another engine says of a mixed model, in its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.fitting.random_terms import RandomTerm
from study.core.errors import StudyError


class EngineFailed(StudyError):
    """The engine refused the model, or cannot fit one of its kind; the message is its own, or says why."""


@dataclass(frozen=True)
class EngineFit:
    """A fit by another program of a model with p fixed terms.

    `criterion` -2 log (restricted) likelihood; `estimate` and `se` (p,); `df` (p,) Satterthwaite's, None where the
    engine has none; `covariance` of each random term's coefficients (q, q), in the order of the terms asked for;
    `residual_variance`.
    """

    criterion: float
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray | None
    covariance: tuple[np.ndarray, ...]
    residual_variance: float


def require_own_variances(random: Sequence[RandomTerm]) -> None:
    """Raise `EngineFailed` for what other engines have no formula for: several coefficients of one variance."""
    for term in random:
        if term.tied:
            raise EngineFailed(f"it has no term for independent coefficients of one variance, as by {term.group}")
