"""Tests and intervals of what is fixed in a fit, by Satterthwaite's degrees of freedom.

The intervals cover what they say with as few as seven groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.fitting.mixed_model import MixedFit
from analysis.fitting.satterthwaite import degrees_of_freedom

LEVEL = 0.95


def contrast_tests(fit: MixedFit, contrasts: np.ndarray) -> pd.DataFrame:
    """Contrasts (m, p) of the fixed terms: `estimate, se, df, t, p, ci_low, ci_high`, one row each; df as in
    `satterthwaite`."""
    estimate = contrasts @ fit.estimate
    variance = np.einsum("mp,pq,mq->m", contrasts, fit.covariance, contrasts)
    slopes = np.einsum("mp,lpq,mq->ml", contrasts, fit.covariance_slopes, contrasts)
    df = degrees_of_freedom(variance, slopes, fit.parameter_covariance)
    se = np.sqrt(variance)
    t = estimate / se
    reach = half_width(se, df)
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "df": df,
            "t": t,
            "p": 2.0 * stats.t.sf(np.abs(t), df),
            "ci_low": estimate - reach,
            "ci_high": estimate + reach,
        }
    )


def half_width(se: Any, df: Any) -> Any:
    """How far 95 % t intervals reach to either side."""
    return stats.t.ppf(0.5 + LEVEL / 2.0, df) * se


def fixed_effects(fit: MixedFit) -> pd.DataFrame:
    """`contrast_tests` of each fixed term by itself, under `term`."""
    table = contrast_tests(fit, np.eye(len(fit.fixed_terms)))
    table.insert(0, "term", fit.fixed_terms)
    return table
