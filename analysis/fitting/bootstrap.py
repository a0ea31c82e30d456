"""Parametric bootstrap of a mixed model, drawn as cross-products: exact, and its cost does not grow with the rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.fitting.covariance_cone import on_boundary
from analysis.fitting.cross_products import Response, by_block, response_of_pieces
from analysis.fitting.crossed import Crossed, crossed_response
from analysis.fitting.inference import LEVEL
from analysis.fitting.mixed_model import MixedFit
from analysis.fitting.projected_newton import Minimum, minimise

BATCH, FEW, MOST_THREADS = 100, 5, 4


@dataclass(frozen=True)
class Refits:
    """Refits to responses simulated from a fit: `estimate` (R, p), `variance` of the random coefficients (R, C), only
    the certified ones; `boundary` (R, C) as in `MixedFit`.

    `n_uncertified` of the replicates asked for are not among them.
    """

    estimate: np.ndarray
    variance: np.ndarray
    boundary: np.ndarray
    n_uncertified: int

    def zero_share(self) -> np.ndarray:
        """The share of refits in which each variance is on the boundary (C,)."""
        return self.boundary.mean(axis=0)


def refit(fit: MixedFit, n_replicates: int, rng: np.random.Generator) -> Refits:
    """Simulate `n_replicates` responses at the fit's parameters and fit each as the fit was."""
    own = np.concatenate([np.empty(0, dtype=int), *(np.diag(index) for index in fit.layout.parameters)])
    estimates, variances, boundaries, certified = [], [], [], []
    for found, phi, boundary in _minima(fit, n_replicates, rng):
        estimates.append(fit.estimate + found.beta)
        variances.append(_variances(fit, phi) * found.r2[:, None] / fit.design.residual_df)
        boundaries.append(boundary[:, own])
        certified.append(found.certified)
    if not certified:
        return Refits(np.empty((0, len(fit.estimate))), np.empty((0, len(own))), np.empty((0, len(own)), dtype=bool), 0)
    kept = np.concatenate(certified)
    estimate, variance, boundary = (np.concatenate(parts)[kept] for parts in (estimates, variances, boundaries))
    return Refits(estimate, variance, boundary, int((~kept).sum()))


def _variances(fit: MixedFit, phi: np.ndarray) -> np.ndarray:
    """Relative variances (R, C) of the random coefficients at phi (R, K)."""
    found = [np.empty((len(phi), 0))]
    for index, transform in zip(fit.layout.parameters, fit.layout.transform, strict=True):
        covariance = np.where(index >= 0, phi[:, index], 0.0)
        found.append(np.einsum("ca,rab,cb->rc", transform, covariance, transform))
    return np.concatenate(found, axis=1)


def _minima(
    fit: MixedFit, n_replicates: int, rng: np.random.Generator
) -> Iterator[tuple[Minimum, np.ndarray, np.ndarray]]:
    """The minima of simulated responses in batches, their phi (R, K) as of the fit, and what is on the boundary (R, K);
    in the closed form where the fit has one."""
    if isinstance(fit.design, Crossed):
        x = fit.fixed.to_numpy(dtype=float)
        for first in range(0, n_replicates, FEW):
            responses = simulate_responses(fit, min(FEW, n_replicates - first), rng) - x @ fit.estimate
            start = np.tile(fit.phi, (len(responses), 1))
            found = minimise(fit.design, crossed_response(fit.layout, x, responses), start)
            yield found, found.phi, on_boundary(fit.design, found.at)
        return
    if fit.balanced is None:

        def minimum_of(response: Response) -> Minimum:
            return minimise(fit.design, response, np.tile(fit.phi, (len(response.yy), 1)))

        # Responses are drawn in turn; NumPy leaves the interpreter to other threads while it works on a batch.
        with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
            for found in threads.map(minimum_of, _simulated(fit, n_replicates, rng)):
                yield found, found.phi, on_boundary(fit.design, found.at)
        return
    squared_scale = fit.layout.squared_scale
    fixed_part = fit.fixed.to_numpy(dtype=float) @ fit.estimate
    for first in range(0, n_replicates, BATCH):
        responses = simulate_responses(fit, min(BATCH, n_replicates - first), rng) - fixed_part
        start = np.tile(fit.phi * squared_scale, (len(responses), 1))
        found = minimise(fit.balanced, fit.balanced.response(responses), start)
        yield found, found.phi / squared_scale, on_boundary(fit.balanced, found.at)


def draws(fit: MixedFit, refits: Refits) -> pd.DataFrame:
    """The refits (R,) as `fixed.<term>` and `variance.<group>.<term>`, without the fit's own values."""
    fixed = pd.DataFrame(refits.estimate, columns=[f"fixed.{term}" for term in fit.fixed_terms])
    random = [f"variance.{term.group}.{name}" for term in fit.random for name in term.columns]
    return pd.concat([fixed, pd.DataFrame(refits.variance, columns=random)], axis=1)


def simulate_responses(fit: MixedFit, n_replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Responses (n_replicates, n_rows) at the fit's parameters, random coefficients and residuals drawn anew."""
    responses = np.sqrt(fit.residual_variance) * rng.standard_normal((n_replicates, fit.n_rows))
    responses += fit.fixed.to_numpy(dtype=float) @ fit.estimate
    layout = fit.layout
    for term, levels, codes, covariance in zip(
        fit.random, layout.levels, layout.codes, fit.relative_covariance, strict=True
    ):
        root = np.sqrt(fit.residual_variance) * _square_root(covariance)
        coefficients = rng.standard_normal((n_replicates, len(levels), len(root))) @ root.T
        responses += np.einsum("rnq,nq->rn", coefficients[:, codes], term.columns.to_numpy(dtype=float))
    return responses


def percentile_interval(draws: np.ndarray) -> np.ndarray:
    """Percentile 95 % interval of draws (R, ...), as (2, ...); NaN where there are no draws."""
    if not len(draws):
        return np.full((2, *draws.shape[1:]), np.nan)
    return np.quantile(draws, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)


def _simulated(fit: MixedFit, n_replicates: int, rng: np.random.Generator) -> Iterator[Response]:
    """Responses less their fixed part, in batches.

    Of a block's y only its part in the span of [Z W] matters, and the length of the rest: with [Z W] = Q R, Q'y is
    R [b; u; 0] + N(0, sigma^2 I), R stands for the rows, and the rest adds sigma^2 chi^2(n_j - rows of R).
    """
    layout, sigma = fit.layout, np.sqrt(fit.residual_variance)
    design = fit.design
    if isinstance(design, Crossed):
        raise TypeError("a crossed design has no blocks to draw from")
    w = np.hstack([layout.dense_u, fit.fixed.to_numpy(dtype=float)])
    roots = [_root(zb, wb) for zb, wb in by_block(layout.block, layout.z, w)]
    spread, border_spread = (
        sigma * _square_root(ties.covariance(fit.phi[None])[0]) for ties in (design.blocks, design.border)
    )
    q, b = len(spread), len(border_spread)
    for first in range(0, n_replicates, BATCH):
        size = min(BATCH, n_replicates - first)
        crossing, pieces, outside = rng.standard_normal((size, b)) @ border_spread.T, [], np.zeros(size)
        for root, n_rows in zip(roots, np.bincount(layout.block), strict=True):
            coefficients = np.hstack([rng.standard_normal((size, q)) @ spread.T, crossing])
            within = coefficients @ root[:, : q + b].T + sigma * rng.standard_normal((size, len(root)))
            pieces.append((root[:, :q], root[:, q:], within.T))
            if n_rows > len(root):
                outside += sigma**2 * rng.chisquare(n_rows - len(root), size)
        response = response_of_pieces(design, pieces)
        yield replace(response, rest=response.rest + outside, yy=response.yy + outside)


def _square_root(covariance: np.ndarray) -> np.ndarray:
    """A matrix F with FF' = a covariance (q, q), which may be singular."""
    if not (covariance - np.diag(np.diag(covariance))).any():
        return np.diag(np.sqrt(np.diag(covariance)))
    values, axes = np.linalg.eigh(covariance)
    return axes * np.sqrt(np.maximum(values, 0.0))


def _root(z: Any, w: np.ndarray) -> np.ndarray:
    """R of [Z W] = Q R in a block."""
    both = np.hstack([z.toarray() if sparse.issparse(z) else z, w])
    return np.linalg.qr(both).R
