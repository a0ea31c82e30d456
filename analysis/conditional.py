"""What a fitted mixed model says of its levels and rows: conditional modes, fitted values, predictions.

b-hat = G Z'V^-1 (y - X beta-hat). Henderson (1975): Cov(beta-hat, b-hat - b) = -sigma^2 M X'V^-1 Z G, and the
prediction error Cov(b-hat - b) = sigma^2 (G - G Z'PZ G).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.mixed_model import MixedFit
from analysis.restricted_likelihood import evaluate, relative_covariance


@dataclass(frozen=True)
class Conditional:
    """The random coefficients of a fit, in the order of `modes`: `mode` (B,) their predictions.

    Given the fixed effects and the variances, blocks of `design` are independent: `spread` (J, q, q) is Cov(b | y) by
    block, and `slope` (B, p) the change of `mode` for one in beta; both in the units of the columns.
    """

    fit: MixedFit
    mode: np.ndarray
    block: np.ndarray
    column: np.ndarray
    spread: np.ndarray
    slope: np.ndarray
    scale: np.ndarray

    @cached_property
    def covariance(self) -> np.ndarray:
        """Cov(b | y) (B, B) at the estimated variances, the fixed effects known."""
        same = self.block[:, None] == self.block
        own = self.spread[self.block[:, None], self.column[:, None], self.column]
        return np.where(same, own * np.outer(self.scale, self.scale), 0.0)


def conditional(fit: MixedFit) -> Conditional:
    """Modes and conditional covariances of a fit's random coefficients."""
    design, layout = fit.design, fit.layout
    at = evaluate(design, fit.response, fit.phi[None])
    g = relative_covariance(design, fit.phi[None])[0]
    spread = np.linalg.solve(np.eye(len(g)) + g @ design.zz, np.broadcast_to(g, design.zz.shape))
    place = np.concatenate([position.ravel() for position in layout.position])
    scale = np.concatenate([np.tile(one, len(levels)) for one, levels in zip(layout.scale, layout.levels, strict=True)])
    block, column = np.divmod(place, len(g))
    return Conditional(
        fit,
        (at.s[0] @ g)[block, column] * scale,
        block,
        column,
        fit.residual_variance * (spread + spread.mT) / 2.0,
        -(g @ at.h[0])[block, column] * scale[:, None],
        scale,
    )


def modes(fit: MixedFit) -> pd.DataFrame:
    """`group, level, term, mode, se` of each random coefficient: its best linear unbiased prediction.

    `se` is the conditional standard deviation given the scores, as lme4's `condVar`: fixed effects and variances count
    as known. `predict` adds the uncertainty of the fixed effects.
    """
    found = conditional(fit)
    variance = found.spread[found.block, found.column, found.column] * found.scale**2
    names = [
        (term.group, level, str(name))
        for term, levels in zip(fit.random, fit.layout.levels, strict=True)
        for level in levels
        for name in term.columns
    ]
    table = pd.DataFrame(names, columns=["group", "level", "term"])
    return table.assign(mode=found.mode, se=np.sqrt(np.maximum(variance, 0.0)))


def predict(fit: MixedFit, fixed_rows: np.ndarray, random_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x'beta-hat + z'b-hat (m,) and the variance (m,) of its error in predicting x'beta + z'b.

    `fixed_rows` (m, p) are x, `random_rows` (m, B) are z, in the order of `modes`. The error has the uncertainty of the
    fixed effects, of b, and their covariance; that of the variances it has not. For a new score the residual variance
    is added, and that of the coefficients of a level never seen, whose columns in z are zero.
    """
    found = conditional(fit)
    value = fixed_rows @ fit.estimate + random_rows @ found.mode
    through = fixed_rows + random_rows @ found.slope
    of_fixed = np.einsum("mp,pq,mq->m", through, fit.covariance, through)
    of_random = np.einsum("mb,bc,mc->m", random_rows, found.covariance, random_rows, optimize=True)
    return value, of_fixed + of_random


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
