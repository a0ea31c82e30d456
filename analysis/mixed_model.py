"""Linear mixed models by restricted maximum likelihood, exact and certified.

One grouping factor with independent random coefficients, or crossed random intercepts as one group with tied columns.
Inference by Satterthwaite's degrees of freedom, whose intervals cover what they say with as few as seven groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.cross_products import Design, Response, design_of, require_full_rank, response_of
from analysis.projected_newton import minimise
from analysis.restricted_likelihood import derivatives, evaluate
from study.errors import StudyError

STARTS = (0.3, 3.0, 30.0)
"""Where the searches start: a coefficient's random variance over the sampling variance of a group's own estimate."""

LEVEL = 0.95


class NotCertified(StudyError):
    """A model that these rows do not determine, or whose optimum could not be certified; so there is no fit."""


@dataclass(frozen=True)
class MixedFit:
    """A certified REML fit with p fixed terms and K variances.

    `estimate` (p,), `covariance` (p, p), `criterion` = -2 log restricted likelihood, `phi` (K,) variances over the
    residual variance, `residual_variance`, and the `design` that they belong to. For Satterthwaite: `covariance_slopes`
    (L, p, p), the derivatives of `covariance` in the L variance parameters off the boundary (residual last), and
    `parameter_covariance` (L, L) of these.
    """

    fixed_terms: tuple[str, ...]
    random_terms: tuple[str, ...]
    groups: tuple[str, ...]
    n_rows: int
    estimate: np.ndarray
    covariance: np.ndarray
    criterion: float
    phi: np.ndarray
    residual_variance: float
    design: Design
    covariance_slopes: np.ndarray
    parameter_covariance: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Variances of the random coefficients (K,)."""
        return self.phi * self.residual_variance

    @property
    def singular(self) -> bool:
        """True if a variance is exactly zero: the optimum lies on the boundary, which is no failure to converge."""
        return bool((self.phi == 0.0).any())


def fit_by_group(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[str], group: Sequence[str]) -> MixedFit:
    """REML fit of y (n,) on fixed (n, p), with an independent random coefficient by group for each term of `random`.

    lme4: `y ~ 0 + fixed + (0 + random || group)` on numeric columns. Raises `InputFaults` for dependent fixed terms and
    `NotCertified` where the variances cannot be told apart or no optimum is certified.
    """
    names, codes = np.unique(np.asarray(group, dtype=str), return_inverse=True)
    z = fixed[list(random)].to_numpy(dtype=float)
    return _fit(np.asarray(y, dtype=float), fixed, z, codes, np.eye(z.shape[1]), tuple(random), tuple(names))


def fit_crossed(y: np.ndarray, fixed: pd.DataFrame, factors: pd.DataFrame) -> MixedFit:
    """REML fit of y (n,) on fixed (n, p), with a random intercept for the levels of each column of `factors`.

    lme4: `y ~ 0 + fixed + (1 | f1) + (1 | f2) + ...`. Raises as `fit_by_group`.
    """
    indicators = [pd.get_dummies(factors[name], dtype=float).to_numpy() for name in factors]
    owner = np.repeat(np.arange(len(indicators)), [columns.shape[1] for columns in indicators])
    tie = (owner[:, None] == np.arange(len(indicators))).astype(float)
    one_group = np.zeros(len(fixed), dtype=int)
    names = tuple(map(str, factors))
    return _fit(np.asarray(y, dtype=float), fixed, np.hstack(indicators), one_group, tie, names, names)


def contrast_tests(fit: MixedFit, contrasts: np.ndarray) -> pd.DataFrame:
    """Contrasts (m, p) of the fixed terms: `estimate, se, df, t, p, ci_low, ci_high`, one row each.

    Satterthwaite (1946), as Kuznetsova et al. 2017: df = 2 var^2 / (g' A g), g the slope of the contrast's variance in
    the variance parameters and A their covariance. A variance on the boundary counts as known to be zero.
    """
    estimate = contrasts @ fit.estimate
    variance = np.einsum("mp,pq,mq->m", contrasts, fit.covariance, contrasts)
    slopes = np.einsum("mp,lpq,mq->ml", contrasts, fit.covariance_slopes, contrasts)
    df = 2.0 * variance**2 / np.einsum("ml,lk,mk->m", slopes, fit.parameter_covariance, slopes)
    se = np.sqrt(variance)
    t = estimate / se
    reach = stats.t.ppf(0.5 + LEVEL / 2.0, df) * se
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


def fixed_effects(fit: MixedFit) -> pd.DataFrame:
    """`contrast_tests` of each fixed term by itself, under `term`."""
    table = contrast_tests(fit, np.eye(len(fit.fixed_terms)))
    table.insert(0, "term", fit.fixed_terms)
    return table


def _fit(
    y: np.ndarray,
    fixed: pd.DataFrame,
    z: np.ndarray,
    group: np.ndarray,
    tie: np.ndarray,
    random_terms: tuple[str, ...],
    groups: tuple[str, ...],
) -> MixedFit:
    x = fixed.to_numpy(dtype=float)
    terms = tuple(map(str, fixed.columns))
    require_full_rank(x, terms)
    design = design_of(x, z, group, tie)
    # Cross-products of what least squares leaves over lose no digits to the mean of y.
    least_squares = np.linalg.lstsq(x, y, rcond=None)[0]
    rest = y - x @ least_squares
    response = response_of(rest, x, z, group)
    if rest @ rest <= 1e-20 * (y @ y):
        raise NotCertified("the fixed terms reproduce every score: nothing is left to estimate variances from")
    _require_told_apart(design, response, random_terms)
    unit = len(design.zz) * tie.sum(axis=0) / (np.einsum("jkk->k", design.zz) @ tie)
    starts = np.array(STARTS)[:, None] * unit
    found = minimise(design, response.take(np.zeros(len(starts), dtype=int)), starts)
    best = int(np.argmin(np.where(np.isnan(found.criterion), np.inf, found.criterion)))
    if not found.certified[best]:
        raise NotCertified(
            f"no certified optimum: the best of {len(starts)} searches stopped at criterion "
            f"{found.criterion[best]:.6f} with a Newton decrement of {found.decrement[best]:.1e}"
        )
    phi = found.phi[best]
    at = evaluate(design, response, phi[None])
    slopes = derivatives(design, at)
    v, m = design.residual_df, at.m[0]
    sigma2 = float(at.r2[0]) / v

    free = phi > 0.0
    n_free = int(free.sum())
    deviance_hessian = np.empty((n_free + 1, n_free + 1))
    deviance_hessian[:-1, :-1] = slopes.curvature[0][np.ix_(free, free)]
    deviance_hessian[-1, :-1] = deviance_hessian[:-1, -1] = slopes.score[0][free] / sigma2**2
    deviance_hessian[-1, -1] = v / sigma2**2
    h_by_variance = np.einsum("jqp,jqs,qk->kps", at.h[0], at.h[0], tie)[free]
    return MixedFit(
        fixed_terms=terms,
        random_terms=random_terms,
        groups=groups,
        n_rows=len(y),
        estimate=least_squares + at.beta[0],
        covariance=sigma2 * m,
        criterion=float(at.criterion[0]),
        phi=phi,
        residual_variance=sigma2,
        design=design,
        covariance_slopes=np.concatenate([sigma2 * (m @ h_by_variance @ m), m[None]]),
        parameter_covariance=2.0 * np.linalg.inv(deviance_hessian),
    )


def _require_told_apart(design: Design, response: Response, random_terms: tuple[str, ...]) -> None:
    """Raise `NotCertified` naming the variances that these rows cannot tell from each other or from the residual's."""
    zero = np.zeros((1, design.tie.shape[1]))
    information = derivatives(design, evaluate(design, response, zero)).information[0]
    length = np.sqrt(np.einsum("jkk,jkk->k", design.zz, design.zz) @ design.tie)
    values, vectors = np.linalg.eigh(information / np.outer(length, length))
    if values[0] < 1e-10:
        blurred = [term for term, part in zip(random_terms, np.abs(vectors[:, 0]), strict=True) if part > 0.05]
        raise NotCertified(
            f"the rows cannot tell these variances from each other or from the residual: {', '.join(blurred)}"
        )
