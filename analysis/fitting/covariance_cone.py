"""Covariances of correlated coefficients in coordinates with plain bounds, so that one search serves all.

A covariance is S = A D A', A orthonormal `axes`, D >= 0 diagonal. Around it S moves along A L D L' A', L unit lower
triangular: a diagonal entry of D is bounded by 0, an entry of L is free, and S is positive semidefinite wherever they
go. The axes of zeros diagonalise the criterion's gradient there: it is positive on each of them exactly where it is
positive semidefinite on the null space of S, as the Karush-Kuhn-Tucker conditions of the cone ask. A variance by
itself is its own coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.fitting.balanced import Balanced
from analysis.fitting.cross_products import Design
from analysis.fitting.crossed import Crossed
from analysis.fitting.restricted_likelihood import Derivatives

Form = Design | Balanced | Crossed
"""What a likelihood can be computed by."""


@dataclass(frozen=True)
class Covariances:
    """R points: `d` (R, K) has the variances and, where a correlated term's variances stand, the entries of D, largest
    first; 0 where covariances stand. `axes` (R, q_t, q_t) of each correlated term."""

    d: np.ndarray
    axes: tuple[np.ndarray, ...]

    def take(self, which: np.ndarray) -> Covariances:
        """The points at the positions `which`."""
        return Covariances(self.d[which], tuple(axes[which] for axes in self.axes))


def from_phi(design: Form, phi: np.ndarray) -> Covariances:
    """The point of variances and covariances phi (R, K); eigenvalues that are rounding, or negative, are zeros."""
    d, all_axes = np.where(design.is_variance, np.maximum(phi, 0.0), 0.0), []
    for index in design.correlated:
        values, axes = np.linalg.eigh(phi[:, index])
        values, axes = values[:, ::-1], axes[..., ::-1]
        d[:, np.diag(index)] = np.where(values > 1e-12 * values[:, :1], values, 0.0)
        all_axes.append(axes)
    return Covariances(d, tuple(all_axes))


def to_phi(design: Form, at: Covariances, step: np.ndarray | float = 0.0) -> np.ndarray:
    """Variances and covariances (R, K) after a step (R, K) from a point in its own coordinates."""
    phi = at.d + step
    for index, axes in zip(design.correlated, at.axes, strict=True):
        root = _root(index, axes, phi)
        phi[:, index] = root @ root.mT
    return phi


def moved(design: Form, at: Covariances, step: np.ndarray) -> Covariances:
    """The point after a step (R, K), with the axes that are its own."""
    d, all_axes = np.where(design.is_variance, at.d + step, 0.0), []
    for index, axes in zip(design.correlated, at.axes, strict=True):
        turned, root, _ = np.linalg.svd(_root(index, axes, at.d + step))
        rank = (d[:, np.diag(index)] > 0.0).sum(axis=1)
        d[:, np.diag(index)] = np.where(np.arange(len(index)) < rank[:, None], root**2, 0.0)
        all_axes.append(turned)
    return Covariances(d, tuple(all_axes))


def without_effect(design: Form, at: Covariances) -> np.ndarray:
    """The coordinates (R, K) that nothing depends on: of L, below the zeros of D."""
    idle = np.zeros(at.d.shape, dtype=bool)
    for index in design.correlated:
        row, column = np.tril_indices(len(index), -1)
        idle[:, index[row, column]] = at.d[:, index[column, column]] <= 0.0
    return idle


def on_boundary(design: Form, at: Covariances) -> np.ndarray:
    """Which variances (R, K) are zero or, of a correlated term, in a singular covariance matrix."""
    zero = design.is_variance & (at.d <= 0.0)
    for index in design.correlated:
        zero[:, np.diag(index)] = zero[:, np.diag(index)].any(axis=1, keepdims=True)
    return zero


def in_coordinates(design: Form, at: Covariances, slopes: Derivatives) -> tuple[Covariances, Derivatives]:
    """The derivatives by the coordinates around a point, its axes of zeros turned as they must be: the chain rule."""
    if not design.correlated:
        return at, slopes
    at = _turned(design, at, slopes.gradient)
    chain = jacobian(design, at)
    bent = np.zeros_like(slopes.hessian)
    for index, axes in zip(design.correlated, at.axes, strict=True):
        pull = axes.mT @ _matrix(index, slopes.gradient) @ axes
        row, column = np.tril_indices(len(index), -1)
        own, coordinate = index[column, column], index[row, column]
        d = at.d[:, own]
        # S = sum_c d_c l_c l_c', l_c the columns of A L: twice differentiable in d_c and L_ac, and in L_ac and L_bc.
        bent[:, own, coordinate] = bent[:, coordinate, own] = 2.0 * pull[:, row, column]
        same = column[:, None] == column
        bent[:, coordinate[:, None], coordinate] = np.where(same, 2.0 * d[:, None] * pull[:, row[:, None], row], 0.0)
    back = chain.mT
    vector = back @ np.stack([slopes.gradient, slopes.score], axis=-1)
    return at, replace(
        slopes,
        gradient=vector[..., 0],
        score=vector[..., 1],
        hessian=back @ slopes.hessian @ chain + bent,
        information=back @ slopes.information @ chain,
        curvature=back @ slopes.curvature @ chain + bent,
    )


def jacobian(design: Form, at: Covariances) -> np.ndarray:
    """Derivatives of phi by the coordinates (R, K, K)."""
    chain = np.tile(np.eye(at.d.shape[1]), (len(at.d), 1, 1))
    for index, axes in zip(design.correlated, at.axes, strict=True):
        i, j = np.tril_indices(len(index))
        entries = index[i, j]
        own = np.diag(index)
        chain[:, entries[:, None], own] = axes[:, i] * axes[:, j]
        row, column = np.tril_indices(len(index), -1)
        d = at.d[:, None, index[column, column]]
        product = axes[:, i][..., row] * axes[:, j][..., column] + axes[:, i][..., column] * axes[:, j][..., row]
        chain[:, entries[:, None], index[row, column]] = d * product
    return chain


def _root(index: np.ndarray, axes: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """A L sqrt(D) (R, q, q)."""
    row, column = np.tril_indices(len(index), -1)
    lower = np.tile(np.eye(len(index)), (len(axes), 1, 1))
    lower[:, row, column] = coordinates[:, index[row, column]]
    return axes @ lower * np.sqrt(coordinates[:, None, np.diag(index)])


def _turned(design: Form, at: Covariances, gradient: np.ndarray) -> Covariances:
    """The same point; where D has several zeros, their axes diagonalise the gradient."""
    all_axes = []
    for index, axes in zip(design.correlated, at.axes, strict=True):
        zero = at.d[:, np.diag(index)] <= 0.0
        both = zero[:, :, None] & zero[:, None, :]
        pull = np.where(both, axes.mT @ _matrix(index, gradient) @ axes, 0.0)
        # Below all that stands among the zeros, and apart from each other, the other axes stay as and where they are.
        size = 1.0 + np.abs(pull).sum(axis=(1, 2))
        apart = np.where(zero, 0.0, np.arange(len(index)) - 2.0 * len(index)) * size[:, None]
        turn = np.linalg.eigh(pull + apart[:, :, None] * np.eye(len(index)))[1]
        all_axes.append(axes @ turn)
    return Covariances(at.d, tuple(all_axes))


def _matrix(index: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The symmetric matrix (R, q, q) N with df = sum_ij N_ij dS_ij."""
    return gradient[:, index] * (0.5 + 0.5 * np.eye(len(index)))
