"""Linear mixed models by (restricted) maximum likelihood, exact and certified.

Any number of random terms over any grouping factors, nested or crossed, with independent or correlated coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fitting.balanced import Balanced
from analysis.fitting.covariance_cone import (
    Covariances,
    Form,
    from_phi,
    in_coordinates,
    jacobian,
    on_boundary,
    to_phi,
    without_effect,
)
from analysis.fitting.cross_products import Design, Response
from analysis.fitting.crossed import Crossed, CrossedResponse
from analysis.fitting.mixed_problem import NotCertified, Problem, problem_of
from analysis.fitting.projected_newton import DECREMENT, Minimum, minimise, newton_step, tolerance
from analysis.fitting.random_layout import Layout
from analysis.fitting.random_terms import RandomTerm
from analysis.fitting.restricted_likelihood import by_parameter, derivatives, evaluate
from analysis.fitting.satterthwaite import parameter_covariance

STARTS = (0.3, 3.0, 30.0)
"""Where the searches start: a coefficient's random variance over the sampling variance of a level's own estimate."""

SAME_OPTIMUM = 1e-8
"""Within this two searches have ended at the same criterion; more where a Newton step may promise more."""

FIT_AT_TOLERANCE = 1e-4
"""What a Newton step may still promise, twice, where the variances are another engine's."""


@dataclass(frozen=True)
class MixedFit:
    """A certified fit of y (n,) on p fixed terms and the `random` terms.

    `estimate` (p,), `covariance` (p, p), `criterion` = -2 log (restricted) likelihood, `relative_covariance` of each
    random term's coefficients (q, q), over the residual variance, and `residual_variance`; `boundary` of each term
    (q,): the variance is zero, or the covariance matrix of the term is singular. `phi` (K,) are the same parameters as
    `design` and `layout` have them, `balanced` is the closed form, if there is one. For Satterthwaite:
    `covariance_slopes` (L, p, p), the derivatives of `covariance` in the L parameters off the boundary (residual last),
    and `parameter_covariance` (L, L) of these.
    """

    y: np.ndarray
    fixed: pd.DataFrame
    random: tuple[RandomTerm, ...]
    reml: bool
    estimate: np.ndarray
    covariance: np.ndarray
    criterion: float
    relative_covariance: tuple[np.ndarray, ...]
    boundary: tuple[np.ndarray, ...]
    residual_variance: float
    phi: np.ndarray
    layout: Layout
    design: Design | Crossed
    response: Response | CrossedResponse
    balanced: Balanced | None
    covariance_slopes: np.ndarray
    parameter_covariance: np.ndarray

    @property
    def n_rows(self) -> int:
        """Rows fitted."""
        return len(self.y)

    @property
    def fixed_terms(self) -> tuple[str, ...]:
        """Names of the fixed terms (p,)."""
        return tuple(map(str, self.fixed.columns))

    @property
    def random_terms(self) -> tuple[str, ...]:
        """Names of the random coefficients, term by term."""
        return tuple(str(name) for term in self.random for name in term.columns)

    @property
    def variance(self) -> np.ndarray:
        """Variances of the random coefficients, term by term."""
        own = (np.diag(one) for one in self.relative_covariance)
        return self.residual_variance * np.concatenate([np.empty(0), *own])

    @property
    def groups(self) -> Mapping[str, int]:
        """The number of levels of each grouping factor."""
        return {term.group: len(levels) for term, levels in zip(self.random, self.layout.levels, strict=True)}

    @property
    def singular(self) -> bool:
        """True if the optimum is on the boundary - a variance is exactly zero, or correlations leave a combination of
        coefficients without any - which is no failure to converge."""
        return any(bool(term.any()) for term in self.boundary)

    def random_table(self) -> pd.DataFrame:
        """`group, term, variance, sd, boundary`, a row for each random coefficient."""
        return pd.DataFrame(
            {
                "group": np.array([term.group for term in self.random for _ in term.columns], dtype=object),
                "term": np.array(self.random_terms, dtype=object),
                "variance": self.variance,
                "sd": np.sqrt(self.variance),
                "boundary": np.concatenate([np.empty(0, dtype=bool), *self.boundary]),
            }
        )

    def correlations(self) -> pd.DataFrame:
        """`group, term, other, correlation` of each two correlated coefficients; NaN beside a variance of zero."""
        rows = []
        for term, covariance in zip(self.random, self.relative_covariance, strict=True):
            sd = np.sqrt(np.diag(covariance))
            for a, b in zip(*np.triu_indices(len(sd) if term.correlated else 0, 1), strict=True):
                product = sd[a] * sd[b]
                correlation = np.clip(covariance[a, b] / product, -1.0, 1.0) if product > 0.0 else np.nan  # of rounding
                rows.append((term.group, str(term.columns.columns[a]), str(term.columns.columns[b]), correlation))
        return pd.DataFrame(rows, columns=["group", "term", "other", "correlation"])


def fit_mixed(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[RandomTerm], reml: bool = True) -> MixedFit:
    """Fit of y (n,) on fixed (n, p) and the random terms, by REML or maximum likelihood.

    lme4: `y ~ 0 + fixed + (0 + columns | group) + ...` on numeric columns, `||` where a term is not correlated. Raises
    `InputFaults` for dependent fixed terms, and `NotCertified` where the variances are not estimable or no optimum
    is certified.
    """
    try:
        problem = problem_of(y, fixed, random, reml)
        return _fit_at_optimum(problem, _optimum(problem))
    except np.linalg.LinAlgError as error:
        raise NotCertified(f"the likelihood cannot be computed for these rows: {error}") from None


def _optimum(problem: Problem) -> Covariances:
    """The certified optimum, by the closed form where there is one and it will do. Raises `NotCertified`."""
    start, design = np.array(STARTS)[:, None] * problem.design.is_variance, problem.design
    every = np.zeros(len(start), dtype=int)
    if closed := problem.balanced:
        squared_scale = problem.layout.squared_scale
        rest = problem.y - problem.fixed.to_numpy(dtype=float) @ problem.least_squares
        found = minimise(closed, closed.response(rest[None]).take(every), start * squared_scale)
        if _lacking(closed, found) is None:
            return from_phi(design, found.phi[_best(found)] / squared_scale)
    found = minimise(design, problem.response.take(every), start)
    if (lacking := _lacking(design, found)) is not None:
        raise NotCertified(lacking)
    return found.at.take(_best(found))


def _best(found: Minimum) -> np.ndarray:
    """The certified search (1,) that ended lowest."""
    return np.argmin(np.where(found.certified, found.criterion, np.inf), keepdims=True)


def _lacking(design: Form, found: Minimum) -> str | None:
    """Why the best of several searches is no certified optimum, or None where it is one."""
    reached = np.where(np.isnan(found.criterion), np.inf, found.criterion)
    lowest, best = int(np.argmin(reached)), int(_best(found)[0])
    same = SAME_OPTIMUM / DECREMENT * tolerance(design, found.at)[lowest]
    if found.certified[best] and reached[best] <= reached[lowest] + same:
        return None
    return (
        f"no certified optimum: the best of {len(reached)} searches stopped at criterion {found.criterion[lowest]:.6f} "
        f"with a Newton decrement of {found.decrement[lowest]:.1e}"
    )


def fit_at(
    y: np.ndarray,
    fixed: pd.DataFrame,
    random: Sequence[RandomTerm],
    relative_covariance: Sequence[np.ndarray],
    reml: bool = True,
) -> MixedFit:
    """The fit at covariances (q, q) of each random term over the residual variance, found by another engine.

    The same algebra and the same conditions as in `fit_mixed`; but a Newton step may promise up to `FIT_AT_TOLERANCE`,
    and a variance that it would take to zero is set to zero. Raises as `fit_mixed`.
    """
    problem = problem_of(y, fixed, random, reml)
    design, layout = problem.design, problem.layout
    phi = np.zeros((1, len(design.is_variance)))
    for index, transform, covariance in zip(layout.parameters, layout.transform, relative_covariance, strict=True):
        back = np.linalg.inv(transform)
        scaled = back @ np.asarray(covariance, dtype=float) @ back.T
        phi[0, index[index >= 0]] = scaled[index >= 0]
    at = from_phi(design, phi)
    evaluated = evaluate(design, problem.response, to_phi(design, at))
    if not np.isfinite(evaluated.criterion[0]):
        raise NotCertified("the variances given leave no residual")
    at, slopes = in_coordinates(design, at, derivatives(design, evaluated))
    step, _, zero = newton_step(design, at, slopes)
    promised = float(-(slopes.gradient * step).sum())
    if not 0.0 <= promised <= FIT_AT_TOLERANCE:
        raise NotCertified(
            f"not an optimum: the criterion there is {evaluated.criterion[0]:.6f}, and a Newton step promises to lower "
            f"it by {promised / 2.0:.1e}"
        )
    return _fit_at_optimum(problem, Covariances(np.where(zero, 0.0, at.d), at.axes))


def variances(fit: MixedFit) -> pd.DataFrame:
    """`random_table`, and under it the residual, of no group."""
    residual = fit.residual_variance
    last = pd.DataFrame(
        {"group": "", "term": "residual", "variance": residual, "sd": np.sqrt(residual), "boundary": False}, index=[0]
    )
    return pd.concat([fit.random_table(), last], ignore_index=True)


def _fit_at_optimum(problem: Problem, point: Covariances) -> MixedFit:
    design, layout = problem.design, problem.layout
    phi = to_phi(design, point)
    at = evaluate(design, problem.response, phi)
    point, slopes = in_coordinates(design, point, derivatives(design, at))
    v, m = design.residual_df, at.m[0]
    sigma2 = float(at.r2[0]) / v

    free = np.where(design.is_variance, point.d[0] > 0.0, ~without_effect(design, point)[0])
    covariance, with_residual = parameter_covariance(slopes, np.array([sigma2]), v, free[None])
    kept = np.flatnonzero(with_residual[0])
    h_free = np.einsum("kps,kl->lps", by_parameter(design, at)[0], jacobian(design, point)[0])[free]
    own_phi = [np.where(index >= 0, phi[0][index], 0.0) for index in layout.parameters]
    boundary = on_boundary(design, point)[0]
    return MixedFit(
        y=problem.y,
        fixed=problem.fixed,
        random=problem.random,
        reml=design.reml,
        estimate=problem.least_squares + at.beta[0],
        covariance=sigma2 * m,
        criterion=float(at.criterion[0]),
        relative_covariance=tuple(
            transform @ one @ transform.T for one, transform in zip(own_phi, layout.transform, strict=True)
        ),
        boundary=tuple(boundary[np.diag(index)] for index in layout.parameters),
        residual_variance=sigma2,
        phi=phi[0],
        layout=layout,
        design=design,
        response=problem.response,
        balanced=problem.balanced,
        covariance_slopes=np.concatenate([sigma2 * (m @ h_free @ m), m[None]]),
        parameter_covariance=covariance[0][np.ix_(kept, kept)],
    )
