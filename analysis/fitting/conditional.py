"""What a fitted mixed model says of its levels and rows: conditional modes, fitted values, predictions.

b-hat = G Z'V^-1 (y - X beta-hat). Henderson (1975): Cov(beta-hat, b-hat - b) = -sigma^2 M X'V^-1 Z G, and the
prediction error Cov(b-hat - b) = sigma^2 (G - G Z'PZ G).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fitting.crossed import Crossed, as_evaluation
from analysis.fitting.mixed_model import MixedFit
from analysis.fitting.random_layout import Layout
from analysis.fitting.restricted_likelihood import evaluate


@dataclass(frozen=True)
class Conditional:
    """The B random coefficients of a fit, in the order of `modes`, given the scores: `mode` (B,).

    Their prediction error is that of the blocks by themselves, `within` (J, q, q) at `block` and `column` (B,), and
    what comes through the border and the fixed effects: `slope` (B, b + p), the change of `mode` for one in either,
    times the errors of these, `error` (b + p, b + p). The border's own coefficients have a slope of 1, and no `within`.
    """

    mode: np.ndarray
    block: np.ndarray
    column: np.ndarray
    within: np.ndarray
    layout: Layout
    slope: np.ndarray
    error: np.ndarray

    def own_variance(self) -> np.ndarray:
        """The variance of each coefficient (B,), the border and the fixed effects known."""
        parts = []
        for places, transform in _terms(self.layout):
            block, column = (index[places].reshape(-1, len(transform)) for index in (self.block, self.column))
            own = self.within[block[:, :, None], column[:, :, None], column[:, None, :]]
            parts.append(np.einsum("ca,lab,cb->lc", transform, own, transform).ravel())
        return np.concatenate([np.empty(0), *parts])

    def own_variance_of(self, weights: np.ndarray) -> np.ndarray:
        """The same of weighted sums, `weights` (m, B), as (m,)."""
        n_blocks, q = self.within.shape[:2]
        by_place = np.zeros((len(weights), n_blocks, q))
        for places, transform in _terms(self.layout):
            of_term = weights[:, places].reshape(len(weights), -1, len(transform)) @ transform
            by_place[:, self.block[places], self.column[places]] = of_term.reshape(len(weights), -1)
        return np.einsum("mjq,jqs,mjs->m", by_place, self.within, by_place, optimize=True)


def conditional(fit: MixedFit) -> Conditional:
    """Modes of a fit's random coefficients, and what their prediction errors are made of."""
    design, layout, phi = fit.design, fit.layout, fit.phi[None]
    at = evaluate(design, fit.response, phi)
    if isinstance(design, Crossed):
        at = as_evaluation(design, at)
    g, b, (n_blocks, q) = design.blocks.covariance(phi)[0], design.border.n_columns, design.zz.shape[:2]
    spread = np.linalg.solve(np.eye(q) + g @ design.zz, np.broadcast_to(g, design.zz.shape))
    # The border stands after the blocks as blocks of one column, to which nothing but its own slope belongs.
    within = np.zeros((n_blocks + -(-b // max(q, 1)), q, q))
    within[:n_blocks] = fit.residual_variance * (spread + spread.mT) / 2.0
    mode, slope = (at.s[0] @ g).ravel(), -(g @ at.h[0]).reshape(n_blocks * q, at.h.shape[-1])
    error = fit.covariance
    if at.border is not None:
        outer = design.border.covariance(phi)[0]
        mode = np.concatenate([mode, outer @ at.border.s[0]])
        slope = np.vstack([slope, np.hstack([np.eye(b), -outer @ at.border.h[0]])])
        n_w = b + design.n_fixed
        error = np.zeros((n_w, n_w))
        error[:b, :b], error[b:, b:] = fit.residual_variance * at.border.e[0], fit.covariance
    place = np.concatenate([np.empty(0, dtype=int), *(position.ravel() for position in layout.position)])
    block, column = np.divmod(place, max(q, 1))
    mode, slope = mode[place], slope[place]
    for places, transform in _terms(layout):
        mode[places] = (mode[places].reshape(-1, len(transform)) @ transform.T).ravel()
        of_term = slope[places].reshape(-1, len(transform), slope.shape[1])
        slope[places] = (transform @ of_term).reshape(-1, slope.shape[1])
    return Conditional(mode, block, column, within, layout, slope, error)


def _terms(layout: Layout) -> Iterator[tuple[slice, np.ndarray]]:
    """Where each term's coefficients stand in the order of `modes`, level by level, and its `transform`."""
    ends = np.cumsum([position.size for position in layout.position])
    for position, end, transform in zip(layout.position, ends, layout.transform, strict=True):
        yield slice(int(end) - position.size, int(end)), transform


def modes(fit: MixedFit) -> pd.DataFrame:
    """`group, level, term, mode, se` of each random coefficient: its best linear unbiased prediction.

    `se` is the conditional standard deviation given the scores, as lme4's `condVar`: fixed effects and variances count
    as known. `predict` adds the uncertainty of the fixed effects.
    """
    found, b = conditional(fit), fit.design.border.n_columns
    crossing = np.einsum("cb,bd,cd->c", found.slope[:, :b], found.error[:b, :b], found.slope[:, :b], optimize=True)
    names = [
        (term.group, level, str(name))
        for term, levels in zip(fit.random, fit.layout.levels, strict=True)
        for level in levels
        for name in term.columns
    ]
    table = pd.DataFrame(names, columns=["group", "level", "term"], dtype=object)
    return table.assign(mode=found.mode, se=np.sqrt(np.maximum(found.own_variance() + crossing, 0.0)))


def predict(fit: MixedFit, fixed_rows: np.ndarray, random_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x'beta-hat + z'b-hat (m,) and the variance (m,) of its error in predicting x'beta + z'b.

    `fixed_rows` (m, p) are x, `random_rows` (m, B) are z, in the order of `modes`. The error has the uncertainty of the
    fixed effects, of b, and their covariance; that of the variances it has not. For a new score the residual variance
    is added, and that of the coefficients of a level never seen, whose columns in z are zero.
    """
    found, b = conditional(fit), fit.design.border.n_columns
    value = fixed_rows @ fit.estimate + random_rows @ found.mode
    through = random_rows @ found.slope
    through[:, b:] += fixed_rows
    return value, found.own_variance_of(random_rows) + np.einsum("mp,pq,mq->m", through, found.error, through)


def fitted(fit: MixedFit) -> np.ndarray:
    """Each row's fixed part with its random effects (n,)."""
    value = fit.fixed.to_numpy(dtype=float) @ fit.estimate
    mode, layout = conditional(fit).mode, fit.layout
    for term, codes, position in zip(fit.random, layout.codes, layout.position, strict=True):
        own, mode = np.split(mode, [position.size])
        value = value + (own.reshape(position.shape)[codes] * term.columns.to_numpy(dtype=float)).sum(axis=1)
    return value


def residuals(fit: MixedFit) -> np.ndarray:
    """What `fitted` leaves (n,)."""
    return fit.y - fitted(fit)
