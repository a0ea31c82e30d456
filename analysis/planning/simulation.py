"""Whole studies simulated over a plan at stated effects and variances, and the first model refitted to each.

Every run is scored on every target, as planned: y = X beta + Z b + e with b by target. Restricted likelihood does not
see beta, so that y is drawn without it: an estimate's error, its standard error and its degrees of freedom are the same
whatever the effects are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from analysis.fitting.covariance_parameters import Ties
from analysis.fitting.cross_products import Design, Response, design_of, require_full_rank
from analysis.fitting.mixed_problem import require_told_apart
from analysis.fitting.projected_newton import minimise
from analysis.fitting.restricted_likelihood import by_parameter, derivatives, evaluate
from analysis.fitting.satterthwaite import degrees_of_freedom, parameter_covariance
from analysis.planning.truth import Truth


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


def simulate(
    truth: Truth, columns: pd.DataFrame, random: Sequence[str], n_targets: int, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Scores less their fixed part (n, n_targets, n_runs) of `columns` (n_runs, n_terms), the `random` among them
    varying by target."""
    sd = np.array([truth.sd[term] for term in random])
    by_target = sd * rng.standard_normal((n, n_targets, len(random)))
    residual = truth.residual_sd * rng.standard_normal((n, n_targets, len(columns)))
    return by_target @ columns[list(random)].to_numpy().T + residual


def refit(
    scores: np.ndarray, columns: pd.DataFrame, random: Sequence[str], contrasts: np.ndarray, start: np.ndarray
) -> Refitted:
    """Fit each of `scores` (R, n_targets, n_runs) by REML and test `contrasts` (m, n_terms).

    `start` (K,) are variances over the residual's to search from. Raises `InputFaults` for dependent terms, and
    `NotCertified` where the variances are not estimable from the plan.
    """
    x, z = columns.to_numpy(dtype=float), columns[list(random)].to_numpy(dtype=float)
    n_targets, n_runs = scores.shape[1:]
    rows = np.tile(x, (n_targets, 1))
    require_full_rank(rows, list(columns))
    target = np.repeat(np.arange(n_targets), n_runs)
    design = design_of(rows, np.tile(z, (n_targets, 1)), target, Ties(np.eye(z.shape[1])))
    response = Response(scores @ z, scores.sum(axis=1) @ x, (scores**2).sum(axis=(1, 2)))
    require_told_apart(design, response.take(np.zeros(1, dtype=int)), random)
    found = minimise(design, response, np.tile(start, (len(scores), 1)))
    kept = np.flatnonzero(found.certified)
    error, se, df = (np.full((len(scores), len(contrasts)), np.nan) for _ in range(3))
    error[kept], se[kept], df[kept] = satterthwaite(design, response.take(kept), found.phi[kept], contrasts)
    return Refitted(error, se, df, found.certified, found.certified & (found.phi == 0.0).any(axis=1))


def satterthwaite(
    design: Design, response: Response, phi: np.ndarray, contrasts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates, standard errors and degrees of freedom (R, m) of contrasts (m, p) at the optima phi (R, K).

    `mixed_model.contrast_tests` for many fits at once.
    """
    at = evaluate(design, response, phi)
    residual = at.r2 / design.residual_df
    by_contrast = contrasts @ at.m
    variance = residual[:, None] * np.einsum("rmp,mp->rm", by_contrast, contrasts)
    slope = np.einsum("rmp,rkpq,rmq->rmk", by_contrast, by_parameter(design, at), by_contrast, optimize=True)
    slope = np.concatenate([residual[:, None, None] * slope, (variance / residual[:, None])[..., None]], axis=2)
    covariance, free = parameter_covariance(derivatives(design, at), residual, design.residual_df, phi > 0.0)
    df = degrees_of_freedom(variance, slope * free[:, None, :], covariance)
    return at.beta @ contrasts.T, np.sqrt(variance), df
