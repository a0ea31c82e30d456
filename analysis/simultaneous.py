"""Several contrasts of one fit judged together: single-step (max-t) p values and simultaneous intervals.

Hothorn, Bretz & Westfall 2008, with each contrast's own Satterthwaite degrees of freedom. An interval leaves zero out
exactly where the adjusted p is below `ALPHA`: a verdict and the interval beside it cannot contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from analysis.contrasts import ALPHA, holm
from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import MixedFit

DRAWS = 9_999
ADJUSTMENT = "max-t"
MOST_DF = 1e6
"""Degrees of freedom beyond which t is normal."""


@dataclass(frozen=True)
class Judging:
    """How families are judged: `seed` draws the max-t distribution. Of several `families` of which none stands out
    among all, each is judged at its share of the level (Bonferroni); 1 where each is judged by itself."""

    seed: int = 0
    families: int = 1


EACH = Judging()
"""Each family by itself."""


def simultaneous(fit: MixedFit, contrasts: np.ndarray, judging: Judging) -> pd.DataFrame:
    """`contrast_tests` of contrasts (m, p) as one family: intervals are simultaneous, `p_adjusted` single-step,
    `p_holm` beside it, `adjustment` says over how many. Of one contrast all are its own."""
    tests = contrast_tests(fit, contrasts)
    variance = contrasts @ fit.covariance @ contrasts.T
    slopes = np.einsum("mp,lpq,mq->ml", contrasts, fit.covariance_slopes, contrasts)
    of_variances = slopes @ fit.parameter_covariance @ slopes.T
    return judged(tests, correlation_of(variance), correlation_of(of_variances), judging)


def judged(tests: pd.DataFrame, correlation: np.ndarray, of_variances: np.ndarray, judging: Judging) -> pd.DataFrame:
    """`tests` (`estimate, se, df, p`) judged together, given the correlations (m, m) of the estimates and of their
    variances' estimates."""
    n, df, p = len(tests), tests["df"].to_numpy(), tests["p"].to_numpy()
    critical, adjusted = ALPHA / judging.families, p
    if n > 1:
        least = np.sort(least_p(correlation, of_variances, df, judging.seed))
        critical = float(least[round(critical * (DRAWS + 1)) - 2])
        adjusted = np.maximum((1 + np.searchsorted(least, p, side="right")) / (DRAWS + 1), p)
    reach = stats.t.isf(critical / 2.0, df) * tests["se"]
    return tests.assign(
        ci_low=tests["estimate"] - reach,
        ci_high=tests["estimate"] + reach,
        p_adjusted=np.minimum(judging.families * adjusted, 1.0),
        p_holm=holm(p),
        adjustment=f"{ADJUSTMENT}, {n} comparisons" if n > 1 else "none",
    )


def critical_p(correlation: np.ndarray, of_variances: np.ndarray, df: np.ndarray, seed: int) -> float:
    """The unadjusted p below which a contrast of the family is significant."""
    if len(df) < 2:
        return ALPHA
    return float(np.sort(least_p(correlation, of_variances, df, seed))[round(ALPHA * (DRAWS + 1)) - 2])


def least_p(correlation: np.ndarray, of_variances: np.ndarray, df: np.ndarray, seed: int) -> np.ndarray:
    """The least of m p values (DRAWS,) where all m contrasts are zero.

    Each is exactly t with its own `df` (m,): a normal over the root of a chi-squared, normals correlated as the
    estimates and chi-squareds (through a normal copula) as the estimates of their variances.
    """
    rng = np.random.default_rng(seed)
    df = np.clip(df, 1e-2, MOST_DF)
    normal = rng.standard_normal((DRAWS, len(df))) @ _root(correlation).T
    copula = rng.standard_normal((DRAWS, len(df))) @ _root(of_variances).T
    grid = np.linspace(-7.0, 7.0, 561)
    p = np.empty_like(normal)
    for k, own in enumerate(df):
        log_chi2 = np.log(np.maximum(stats.chi2.ppf(special.ndtr(grid), own) / own, 1e-300))
        t = np.abs(normal[:, k]) / np.exp(0.5 * np.interp(copula[:, k], grid, log_chi2))
        p[:, k] = 2.0 * special.stdtr(own, -t)
    return np.asarray(p.min(axis=1))


def correlation_of(covariance: np.ndarray) -> np.ndarray:
    """The correlations (m, m) of a covariance."""
    deviation = np.sqrt(np.diag(covariance))
    return covariance / np.outer(deviation, deviation)


def _root(correlation: np.ndarray) -> np.ndarray:
    """F (m, m) with FF' = a correlation matrix, which may be singular."""
    values, axes = np.linalg.eigh(correlation)
    return np.asarray(axes * np.sqrt(np.maximum(values, 0.0)))
