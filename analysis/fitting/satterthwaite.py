"""Satterthwaite's degrees of freedom, for one fit or for many at once.

Satterthwaite (1946), as Kuznetsova et al. 2017: df = 2 var^2 / (g' A g), g the slope of the contrast's variance in the
variance parameters and A their covariance. A variance on the boundary counts as known to be zero.
"""

from __future__ import annotations

import numpy as np

from analysis.fitting.restricted_likelihood import Derivatives


def parameter_covariance(
    slopes: Derivatives, residual: np.ndarray, residual_df: int, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The covariance A (R, K + 1, K + 1) of the K variance parameters and the residual variance (last) at R optima.

    `slopes` are the derivatives of the criterion there, `residual` (R,) the residual variances, `free` (R, K) the
    parameters off the boundary; also gives `free` with the residual (R, K + 1). Rows and columns of the others are of
    no meaning, and no slope is to be taken along them.
    """
    n_fits, n_parameters = free.shape
    hessian = np.empty((n_fits, n_parameters + 1, n_parameters + 1))
    hessian[:, :-1, :-1] = slopes.curvature
    hessian[:, -1, :-1] = hessian[:, :-1, -1] = slopes.score / residual[:, None] ** 2
    hessian[:, -1, -1] = residual_df / residual**2
    free = np.column_stack([free, np.ones(n_fits, dtype=bool)])
    hessian = np.where(free[:, :, None] & free[:, None, :], hessian, np.eye(n_parameters + 1))
    return 2.0 * np.linalg.inv(hessian), free


def degrees_of_freedom(variance: np.ndarray, slope: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Of contrasts with `variance` (..., m), its `slope` in the L parameters (..., m, L), and their `covariance`
    (..., L, L)."""
    return 2.0 * variance**2 / np.einsum("...ml,...lk,...mk->...m", slope, covariance, slope)
