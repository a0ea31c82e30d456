"""Who searches for the optimum: the fitter of this package, statsmodels or R's lme4.

Another engine gives the variances that it ends at. All else (criterion, estimates, standard errors, degrees of freedom)
is worked out there by the same algebra as for native fits, and certified by the same conditions: an engine that stopped
short of the optimum, or at a wrong one, gives no fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fitting import lme4, statsmodels
from analysis.fitting.engine_fit import EngineFailed, EngineFit
from analysis.fitting.mixed_model import MixedFit, fit_at, fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from analysis.fitting.random_terms import RandomTerm
from study.core.errors import Fault, InputFaults, nearest

NATIVE = "native"


@dataclass(frozen=True)
class Engine:
    """`fit(y, fixed, random, reml)` raises `EngineFailed`; `versions()`, `InputFaults` where it is not installed."""

    fit: Callable[..., EngineFit]
    versions: Callable[[], Mapping[str, str]]


OTHERS = {"statsmodels": Engine(statsmodels.fit, statsmodels.versions), "lme4": Engine(lme4.fit, lme4.versions)}


def require_engine(option: str, engine: str, others: bool = True) -> Mapping[str, str]:
    """The versions of another engine and its parts; without `others`, native is welcome too.

    Raises `InputFaults` about `option` if there is no such engine, or it is not installed.
    """
    allowed = tuple(OTHERS) if others else (NATIVE, *OTHERS)
    if engine not in allowed:
        expected = f"no such engine; expected {' or '.join(allowed)}"
        raise InputFaults([Fault("", option, engine, expected, nearest(engine, allowed))])
    return OTHERS[engine].versions() if engine in OTHERS else {}


def fit_by(
    engine: str, y: np.ndarray, fixed: pd.DataFrame, random: Sequence[RandomTerm], reml: bool = True
) -> MixedFit:
    """The model fitted by `engine`, least squares (no random term) always by our own. Raises as `fit_mixed`; what an
    engine refuses is `NotCertified` in its words."""
    if engine == NATIVE or not random:
        return fit_mixed(y, fixed, random, reml)
    try:
        found = OTHERS[engine].fit(y, fixed, random, reml)
    except EngineFailed as reason:
        raise NotCertified(f"{engine} did not fit it: {reason}") from None
    try:
        return fit_at(y, fixed, random, [block / found.residual_variance for block in found.covariance], reml)
    except NotCertified as reason:
        raise NotCertified(f"{engine} ended at criterion {found.criterion:.6f}: {reason}") from None
