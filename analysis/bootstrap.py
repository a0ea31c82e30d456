"""Parametric bootstrap of a mixed model, drawn as cross-products: exact, and its cost does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.cross_products import Design, Response
from analysis.mixed_model import LEVEL, MixedFit
from analysis.projected_newton import minimise
from analysis.restricted_likelihood import evaluate

BATCH = 100


@dataclass(frozen=True)
class Refits:
    """Refits to responses simulated from a fit: `estimate` (R, p), `variance` (R, K), only the certified ones.

    `n_uncertified` of the replicates asked for are not among them.
    """

    estimate: np.ndarray
    variance: np.ndarray
    n_uncertified: int

    def zero_share(self) -> np.ndarray:
        """The share of refits in which each variance is zero (K,)."""
        return (self.variance == 0.0).mean(axis=0)


def refit(fit: MixedFit, n_replicates: int, rng: np.random.Generator) -> Refits:
    """Simulate `n_replicates` responses at the fit's parameters and fit each by REML."""
    estimates, variances, certified = [], [], []
    for response in _simulated(fit, n_replicates, rng):
        found = minimise(fit.design, response, np.tile(fit.phi, (len(response.yy), 1)))
        at = evaluate(fit.design, response, found.phi)
        estimates.append(fit.estimate + at.beta)
        variances.append(found.phi * at.r2[:, None] / fit.design.residual_df)
        certified.append(found.certified)
    kept = np.concatenate(certified)
    return Refits(np.concatenate(estimates)[kept], np.concatenate(variances)[kept], int((~kept).sum()))


def percentile_interval(draws: np.ndarray) -> np.ndarray:
    """Percentile 95 % interval of draws (R, ...), as (2, ...); NaN where there are no draws."""
    if not len(draws):
        return np.full((2, *draws.shape[1:]), np.nan)
    return np.quantile(draws, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)


def _simulated(fit: MixedFit, n_replicates: int, rng: np.random.Generator) -> Iterator[Response]:
    """Responses less their fixed part, in batches.

    Of a group's y only its part in the span of [Z X] matters, and the length of the rest: with [Z X] = Q R, Q'y is
    R [b; 0] + N(0, sigma^2 I), cross-products are R'Q'y, and the rest adds sigma^2 chi^2(n_j - rank).
    """
    design, sigma = fit.design, np.sqrt(fit.residual_variance)
    roots = [_root(design, j) for j in range(len(design.zz))]
    sd = np.sqrt(design.tie @ fit.variance)
    q = len(sd)
    for first in range(0, n_replicates, BATCH):
        size = min(BATCH, n_replicates - first)
        zy, xy, yy = [], np.zeros((size, design.xx.shape[1])), np.zeros(size)
        for root, n_rows in zip(roots, design.n_rows, strict=True):
            within = (rng.standard_normal((size, q)) * sd) @ root[:, :q].T + sigma * rng.standard_normal(
                (size, len(root))
            )
            cross = within @ root
            zy.append(cross[:, :q])
            xy += cross[:, q:]
            yy += (within**2).sum(axis=1) + sigma**2 * (
                rng.chisquare(n_rows - len(root), size) if n_rows > len(root) else 0.0
            )
        yield Response(np.stack(zy, axis=1), xy, yy)


def _root(design: Design, group: int) -> np.ndarray:
    """R (rank, q + p) with R'R the cross-products of [Z X] in a group."""
    zx = design.zx[group]
    values, vectors = np.linalg.eigh(np.block([[design.zz[group], zx], [zx.T, design.xx[group]]]))
    kept = values > 1e-12 * values[-1]
    return np.sqrt(values[kept])[:, None] * vectors[:, kept].T
