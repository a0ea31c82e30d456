"""Comparisons of strategies in the first model, and their estimated marginal means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import MixedFit
from study.core.coding import is_intercept, n_star, strategy_of
from study.core.columns import FACTOR
from study.core.strategies import BUILT_IN, Strategies
from study.core.variances import ALPHA as ALPHA

HIGHER, LOWER, NOT_SIGNIFICANT = "higher", "lower", "not significant"


def verdicts(estimate: pd.Series, p: pd.Series) -> np.ndarray:
    """`HIGHER`, `LOWER` or `NOT_SIGNIFICANT` (m,), by p (adjusted where it is one of several) below `ALPHA`."""
    return np.where(~(p < ALPHA), NOT_SIGNIFICANT, np.where(estimate > 0.0, HIGHER, LOWER))


def strategies_of(fit: MixedFit) -> list[str]:
    """The strategies that have an intercept in the first model, in its order."""
    return [strategy_of(term) for term in fit.fixed_terms if is_intercept(term)]


def strategies_at(fit: MixedFit, rows: pd.DataFrame, at: float, strategies: Strategies = BUILT_IN) -> list[str]:
    """The strategies whose mean at n* = `at` is estimable from these rows: of one source, at its 0; those with a slope;
    those whose runs all have this n*. All of them where the rows do not say how many sources a run has."""
    every = strategies_of(fit)
    if "n_sources" not in rows:
        return every
    steps = pd.Series(n_star(rows["strategy"], rows["n_sources"], strategies), index=rows.index)
    only_there = {name for name, own in steps.groupby(rows["strategy"]) if (own == at).all()}
    known = {*only_there, *(name for name in every if strategies[name].is_single or _slope(name) in fit.fixed_terms)}
    return [name for name in every if name in known]


def marginal_means(fit: MixedFit, at: float, names: Sequence[str]) -> pd.DataFrame:
    """`contrast_tests` of the mean of each of these strategies at n* = `at`, as in `mean_weights`, with `strategy`."""
    table = contrast_tests(fit, mean_weights(fit, at, names))
    table.insert(0, "strategy", pd.Series(list(names), dtype=str))
    return table


def mean_weights(fit: MixedFit, at: float, names: Sequence[str]) -> np.ndarray:
    """Contrasts (n_names, p) of the fixed terms that give the mean of each of these strategies at n* = `at` (of one
    source, at its 0), further factors at the mean of their columns."""
    is_further = np.array([term.startswith(FACTOR) for term in fit.fixed_terms])
    weights = np.tile(np.where(is_further, fit.fixed.to_numpy(dtype=float).mean(axis=0), 0.0), (len(names), 1))
    for row, name in enumerate(names):
        weights[row, fit.fixed_terms.index(f"strategy[{name}]")] = 1.0
        if _slope(name) in fit.fixed_terms:
            weights[row, fit.fixed_terms.index(_slope(name))] = at
    return weights


def tukey(t: np.ndarray, df: np.ndarray, n_means: int) -> np.ndarray:
    """Adjusted p values (m,) of all pairs among `n_means` means: the studentized range at sqrt(2) |t| with each
    comparison's own df (Kramer 1956; Games and Howell 1976, where variances differ)."""
    return stats.studentized_range.sf(np.sqrt(2.0) * np.abs(t), n_means, df)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjusted p values (m,) of p (m,)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _slope(strategy: str) -> str:
    return f"strategy[{strategy}]:n_star"
