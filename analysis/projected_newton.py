"""Minimising the REML criterion over variances that must not be negative, with a certificate for every answer.

Projected Newton with an active set (Bertsekas 1982): zeros whose gradient points outwards stay zeros. The Karush-Kuhn-
Tucker conditions then certify them, and a Newton decrement the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.cross_products import Design, Response
from analysis.restricted_likelihood import Derivatives, Evaluation, derivatives, evaluate

MAX_ITERATIONS = 100
MAX_HALVINGS = 40
DECREMENT = 1e-10
SMALLEST_CURVATURE = 1e-8
LARGEST_RATIO = 1e10
"""A random effect's variance over its sampling variance at which a search stops: the residual is running to zero."""


@dataclass(frozen=True)
class Minimum:
    """Where the search ended, for R responses.

    `phi` (R, K), `criterion` (R,), `decrement` (R,) twice what a Newton step still promises, `certified` (R,): no step
    to gain by, curvature positive in every direction that is free, and the gradient at every zero pointing outwards.
    """

    phi: np.ndarray
    criterion: np.ndarray
    decrement: np.ndarray
    certified: np.ndarray


def minimise(design: Design, response: Response, start: np.ndarray) -> Minimum:
    """Minimise from start (R, K), all responses at once; those that are done drop out of the work."""
    phi = start.astype(float).copy()
    criterion, decrement = np.full(len(phi), np.nan), np.full(len(phi), np.inf)
    certified = np.zeros(len(phi), dtype=bool)
    ceiling = LARGEST_RATIO / (np.einsum("jkk->jk", design.zz).max(axis=0) @ design.tie)
    active = np.flatnonzero(np.isfinite(evaluate(design, response, phi).criterion))
    here = response.take(active)
    at = evaluate(design, here, phi[active])
    for _ in range(MAX_ITERATIONS if len(active) else 0):
        slopes = derivatives(design, at)
        step, settled = _newton_step(phi[active], slopes)
        too_large = phi[active] + step > ceiling
        step, settled = np.where(too_large, ceiling - phi[active], step), settled & ~too_large.any(axis=1)
        gain = -(slopes.gradient * step).sum(axis=1)
        criterion[active], decrement[active] = at.criterion, gain
        done = settled & (np.abs(gain) < DECREMENT)
        certified[active[done]] = True
        going = ~done & (step != 0.0).any(axis=1)
        if not going.any():
            break
        active, step, gain = active[going], step[going], gain[going]
        here = here.take(going)
        moved, at = _line_search(design, here, phi[active], step, gain, criterion[active])
        phi[active] = moved
    return Minimum(phi, criterion, decrement, certified)


def _newton_step(phi: np.ndarray, slopes: Derivatives) -> tuple[np.ndarray, np.ndarray]:
    """The step (R, K) to the minimum of the local quadratic with phi >= 0, and whether it may be the last one (R,): the
    Hessian is convex and no variance is about to become zero.

    Where the Hessian is not convex, the expected information stands in (Fisher scoring), which always is.
    """
    gradient = slopes.gradient
    fixed = at_zero = (phi <= 0.0) & (gradient >= 0.0)
    diagonal = np.einsum("rkk->rk", slopes.information)
    lost = (diagonal <= 0.0).any(axis=1)  # to rounding, where the residual is next to nothing
    scale = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    hessian = slopes.hessian / (scale[:, :, None] * scale[:, None, :])
    information = slopes.information / (scale[:, :, None] * scale[:, None, :])
    convex = np.linalg.eigvalsh(_only(hessian, ~fixed))[:, 0] > SMALLEST_CURVATURE
    model = np.where(convex[:, None, None], hessian, information)
    scaled_phi, scaled_gradient = phi * scale, gradient / scale
    for _ in range(phi.shape[1] + 1):
        # Coordinates that would turn negative are set to zero, and the others find their minimum given that.
        there = np.where(fixed, -scaled_phi, 0.0)
        right = scaled_gradient + np.einsum("rkl,rl->rk", model, there)
        step = np.linalg.solve(_only(model, ~fixed), np.where(fixed, 0.0, -right)[..., None])[..., 0] + there
        negative = (scaled_phi + step < 0.0) & ~fixed
        if not negative.any():
            break
        fixed = fixed | negative
    uphill = (scaled_gradient * step).sum(axis=1) > 0.0
    downhill = np.maximum(-scaled_gradient, -scaled_phi)
    step = np.where(uphill[:, None], downhill, step) / scale
    step = np.where(fixed & ~uphill[:, None], -phi, np.maximum(step, -phi))
    return step, ~lost & convex & ~uphill & ~(fixed & ~at_zero).any(axis=1)


def _line_search(
    design: Design, response: Response, phi: np.ndarray, step: np.ndarray, gain: np.ndarray, criterion: np.ndarray
) -> tuple[np.ndarray, Evaluation]:
    """Halve each step until the criterion falls as the gradient promised (Armijo), up to rounding."""
    slack = 1e-12 * (1.0 + np.abs(criterion))
    length = np.ones(len(phi))
    at = evaluate(design, response, phi + step)
    tried, failing = at.criterion, np.arange(len(phi))
    for _ in range(MAX_HALVINGS):
        failing = failing[~(tried <= (criterion - 1e-4 * length * gain + slack)[failing])]
        if not len(failing):
            break
        length[failing] /= 2.0
        shorter = phi[failing] + length[failing, None] * step[failing]
        tried = evaluate(design, response.take(failing), shorter).criterion
    length[failing] = 0.0
    moved = phi + length[:, None] * step
    return moved, at if (length == 1.0).all() else evaluate(design, response, moved)


def _only(matrices: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The matrices (R, K, K) with the identity in the rows and columns that are not free (R, K)."""
    both = free[:, :, None] & free[:, None, :]
    return np.where(both, matrices, np.eye(matrices.shape[1]))
