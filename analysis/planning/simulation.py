"""Whole studies simulated over a plan at stated effects and variances, and the first model refitted to each.

Every run is scored on every target, as planned: y = X beta + Z b + e with b by target, and with what the scores of a
run, and the runs of a combination, share. Restricted likelihood does not see beta, so that y is drawn without it: an
estimate's error, its standard error and its degrees of freedom are the same whatever the effects are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.centring import centred
from analysis.fitting.mixed_problem import problem_of
from analysis.fitting.projected_newton import minimise
from analysis.fitting.random_terms import RandomTerm
from analysis.fitting.restricted_likelihood import Derivatives, by_parameter, derivatives, evaluate
from analysis.fitting.satterthwaite import degrees_of_freedom, parameter_covariance
from analysis.headline_terms import headline_terms
from analysis.planning.truth import Truth, sd_name
from analysis.simultaneous import correlation_of
from study.core.coding import Coding
from study.core.columns import SOURCE
from study.core.factors import Level


@dataclass(frozen=True)
class Refitted:
    """R refits, tested for m contrasts: `error` (estimate less truth), `se` and Satterthwaite's `df` (R, m), NaN where
    not `certified` (R,); `singular` (R,): certified, with a variance of zero."""

    error: np.ndarray
    se: np.ndarray
    df: np.ndarray
    certified: np.ndarray
    singular: np.ndarray


def joined(parts: Sequence[Refitted]) -> Refitted:
    """Batches of refits as one."""
    return Refitted(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Refitted)))


@dataclass(frozen=True)
class Planned:
    """The first model over the runs of a plan: fixed `columns` (n_runs, p), the `random` ones (n_runs, q), whose slopes
    vary by target, and what is `shared`: random terms whose levels and columns are given by run, `target:...` by target
    too."""

    columns: pd.DataFrame
    random: pd.DataFrame
    shared: tuple[RandomTerm, ...] = ()

    def terms(self, n_targets: int) -> list[RandomTerm]:
        """The random terms over the rows of so many targets, target by target."""
        target = np.repeat(np.arange(n_targets).astype(str), len(self.columns))
        by_target = RandomTerm("target", target, self.over(self.random, n_targets))
        of_shared = []
        for term in self.shared:
            levels = np.tile(term.levels.astype(str).astype(object), n_targets)
            if term.group.startswith("target:"):
                levels = target.astype(object) + ":" + levels
            of_shared.append(replace(term, levels=levels, columns=self.over(term.columns, n_targets)))
        return [by_target, *of_shared] if self.random.shape[1] else of_shared

    @staticmethod
    def over(columns: pd.DataFrame, n_targets: int) -> pd.DataFrame:
        """Columns by run as columns over the rows of so many targets."""
        return pd.concat([columns] * n_targets, ignore_index=True)

    def deviations(self, truth: Truth) -> np.ndarray:
        """The true deviation of each random column, term by term (K,). A column in which two strategies differ stands
        for the deviations of both."""
        by_target = {str(name): truth.sd.get(str(name), 0.0) for name in self.random}
        strategies = [name for name in self.columns if str(name).startswith("strategy[") and str(name).endswith("]")]
        if len(strategies) == 2 and len(of_pair := [name for name in strategies if name in by_target]) == 1:
            by_target[of_pair[0]] = math.hypot(*(truth.sd.get(name, 0.0) for name in strategies))
        shared = (
            sd_name(term.group, str(name)) for term in self.shared for name in [*term.columns][: term.n_parameters]
        )
        return np.array([*by_target.values(), *(truth.sd.get(name, 0.0) for name in shared)])


def planned_model(runs: pd.DataFrame, coding: Coding, factors: Mapping[str, Sequence[Level]]) -> Planned:
    """The headline's first model with this coding over `runs`, as in plan.parquet, each on several targets."""
    coding = centred(coding)
    if "run_id" not in runs:
        runs = runs.assign(run_id=np.arange(len(runs)).astype(str))
    rows = pd.concat([runs.assign(target=name) for name in ("1", "2")], ignore_index=True)
    doubled = replace(coding, columns=Planned.over(coding.columns, 2))
    part = headline_terms(rows, doubled, factors, any(str(name).startswith(SOURCE) for name in runs))
    by_target = [term.columns for term in part.terms if term.group == "target"]
    others = [term for term in part.terms if term.group != "target"]
    first = slice(len(runs))
    shared = [
        replace(
            term,
            levels=np.array([str(level).removeprefix("1:") for level in term.levels[first]], dtype=object)
            if term.group.startswith("target:")
            else term.levels[first],
            columns=term.columns.iloc[first],
        )
        for term in others
    ]
    random = by_target[0] if by_target else rows[[]]
    return Planned(coding.columns, random.iloc[first], tuple(shared))


def simulate(truth: Truth, plan: Planned, n_targets: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Scores less their fixed part (n, n_targets, n_runs)."""
    n_runs, k = len(plan.columns), 0
    scores = truth.residual_sd * rng.standard_normal((n, n_targets * n_runs))
    deviations = plan.deviations(truth)
    for term in plan.terms(n_targets):
        codes, levels = pd.factorize(np.asarray(term.levels))
        for number, column in enumerate(term.columns.to_numpy(dtype=float).T):
            drawn = deviations[k + (0 if term.tied else number)] * rng.standard_normal((n, len(levels)))
            scores += drawn[:, codes] * column
        k += term.n_parameters
    return scores.reshape(n, n_targets, n_runs)


def prefix(scores: np.ndarray, size: int) -> np.ndarray:
    """Scores (n, n_targets, n_runs) of the first runs, less each target's mean over these, as the analysis has them."""
    own = scores[..., :size]
    return np.asarray(own - own.mean(axis=-1, keepdims=True))


def refit(scores: np.ndarray, plan: Planned, contrasts: np.ndarray, truth: Truth) -> Refitted:
    """Fit each of `scores` (R, n_targets, n_runs) by REML from the true variances and test `contrasts` (m, n_terms).

    Raises `InputFaults` for dependent terms, and `NotCertified` where the variances are not estimable from the plan.
    """
    design, response, start = _at_truth(scores, plan, truth)
    found = minimise(design, response, np.tile(start, (len(scores), 1)))
    kept = np.flatnonzero(found.certified)
    error, se, df = (np.full((len(scores), len(contrasts)), np.nan) for _ in range(3))
    error[kept], se[kept], df[kept] = satterthwaite(design, response.take(kept), found.phi[kept], contrasts)
    return Refitted(error, se, df, found.certified, found.certified & (found.phi == 0.0).any(axis=1))


def dependence(
    scores: np.ndarray, plan: Planned, contrasts: np.ndarray, truth: Truth
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How contrasts (m, n_terms) depend on each other at the true variances: correlations (m, m) of their estimates and
    of the estimates' variances, and degrees of freedom (m,). `scores` (1, n_targets, n_runs) are any.
    """
    design, response, start = _at_truth(scores, plan, truth)
    at = evaluate(design, response, start[None])
    slopes = _expected(derivatives(design, at), at.r2, design.residual_df)
    variance, slope, covariance = _variances(design, at, slopes, start[None], contrasts)
    of_variances = slope[0] @ covariance[0] @ slope[0].T
    df = degrees_of_freedom(variance, slope, covariance)[0]
    return correlation_of(contrasts @ at.m[0] @ contrasts.T), correlation_of(of_variances), df


def _at_truth(scores: np.ndarray, plan: Planned, truth: Truth) -> tuple[Any, Any, np.ndarray]:
    """The likelihood's design, the responses and the true parameters (K,), in the closed form where there is one."""
    n_targets, y = scores.shape[1], scores.reshape(len(scores), -1)
    problem = problem_of(y[0], plan.over(plan.columns, n_targets), plan.terms(n_targets), reml=True)
    start = (plan.deviations(truth) / truth.residual_sd) ** 2
    if problem.balanced:
        return problem.balanced, problem.balanced.response(y), start
    return problem.design, problem.responses(y), start / problem.layout.squared_scale


def satterthwaite(
    design: Any, response: Any, phi: np.ndarray, contrasts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates, standard errors and degrees of freedom (R, m) of contrasts (m, p) at the optima phi (R, K).

    `mixed_model.contrast_tests` for many fits at once.
    """
    at = evaluate(design, response, phi)
    variance, slope, covariance = _variances(design, at, derivatives(design, at), phi, contrasts)
    return at.beta @ contrasts.T, np.sqrt(variance), degrees_of_freedom(variance, slope, covariance)


def _variances(
    design: Any, at: Any, slopes: Derivatives, phi: np.ndarray, contrasts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances of the contrasts (R, m), their slopes in the variance parameters (R, m, K + 1), 0 in those on the
    boundary, and the covariance of these (R, K + 1, K + 1)."""
    residual = at.r2 / design.residual_df
    by_contrast = contrasts @ at.m
    variance = residual[:, None] * np.einsum("rmp,mp->rm", by_contrast, contrasts)
    slope = np.einsum("rmp,rkpq,rmq->rmk", by_contrast, by_parameter(design, at), by_contrast, optimize=True)
    slope = np.concatenate([residual[:, None, None] * slope, (variance / residual[:, None])[..., None]], axis=2)
    covariance, free = parameter_covariance(slopes, residual, design.residual_df, phi > 0.0)
    return variance, slope * free[:, None, :], covariance


def _expected(slopes: Derivatives, r2: np.ndarray, v: int) -> Derivatives:
    """The score and the curvature as they are expected at the truth, whatever the response."""
    trace_k = slopes.gradient + v * slopes.score / r2[:, None]
    information = slopes.information + trace_k[:, :, None] * trace_k[:, None, :] / v
    return replace(slopes, score=trace_k * r2[:, None] / v, curvature=information)
