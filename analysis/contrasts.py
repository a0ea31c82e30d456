"""Comparisons of strategies in the first model, and their estimated marginal means."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from analysis.mixed_model import MixedFit, contrast_tests


def strategies_of(fit: MixedFit) -> list[str]:
    """The strategies that have an intercept in the first model, in its order."""
    return [
        term.removeprefix("strategy[")[:-1]
        for term in fit.fixed_terms
        if term.startswith("strategy[") and term.endswith("]")
    ]


def pairwise_strategies(fit: MixedFit) -> pd.DataFrame:
    """Differences of all pairs of strategies at n* = 0: `contrast_tests` with `contrast`, `p_adjusted`, `adjustment`.

    The family of Holm (1979) is all these pairs; intervals are of each difference by itself.
    """
    names = strategies_of(fit)
    pairs = [(later, earlier) for earlier, later in combinations(names, 2)]
    weights = np.zeros((len(pairs), len(fit.fixed_terms)))
    for row, (later, earlier) in enumerate(pairs):
        weights[row, fit.fixed_terms.index(f"strategy[{later}]")] = 1.0
        weights[row, fit.fixed_terms.index(f"strategy[{earlier}]")] = -1.0
    table = contrast_tests(fit, weights)
    table.insert(0, "contrast", pd.Series([f"{later} - {earlier}" for later, earlier in pairs], dtype=str))
    return table.assign(p_adjusted=holm(table["p"].to_numpy()), adjustment=f"Holm, {len(pairs)} comparisons")


def marginal_means(fit: MixedFit, columns: pd.DataFrame, mean_n_star: float) -> pd.DataFrame:
    """Each strategy's mean at n* = `mean_n_star` (SS-R at its n* = 0), further factors at the mean of their columns.

    `columns` (n_rows, p) are the model's; returned are `contrast_tests` with `strategy`.
    """
    names = strategies_of(fit)
    is_further = np.array([term.startswith("factor.") for term in fit.fixed_terms])
    weights = np.zeros((len(names), len(fit.fixed_terms)))
    weights[:, is_further] = columns.loc[:, is_further].mean().to_numpy()
    for row, name in enumerate(names):
        weights[row, fit.fixed_terms.index(f"strategy[{name}]")] = 1.0
        if f"strategy[{name}]:n_star" in fit.fixed_terms:
            weights[row, fit.fixed_terms.index(f"strategy[{name}]:n_star")] = mean_n_star
    table = contrast_tests(fit, weights)
    table.insert(0, "strategy", names)
    return table


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjusted p values (m,) of p (m,)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
