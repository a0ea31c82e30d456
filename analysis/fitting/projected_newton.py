"""Minimising the criterion over variances that must not be negative and covariance matrices that must be positive
semidefinite, with a certificate for every answer.

Projected Newton with an active set (Bertsekas 1982), in the coordinates of `covariance_cone`: zeros whose gradient
points outwards stay zeros. The Karush-Kuhn-Tucker conditions then certify them, and a Newton decrement the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.fitting.covariance_cone import Covariances, Form, from_phi, in_coordinates, moved, to_phi, without_effect
from analysis.fitting.restricted_likelihood import Derivatives, derivatives, evaluate

MAX_ITERATIONS = 100
MAX_HALVINGS = 40
ARMIJO = 0.1
"""The share of the promised fall that a step must keep: with next to none, Fisher scoring may step from one side of the
optimum to the other without end."""
DECREMENT, LARGEST_DECREMENT = 1e-10, 1e-6
"""What a Newton step may still promise, twice, of a certified optimum: the first or, where random effects are so much
larger than the residual that rounding hides it, a share of their ratio up to the second."""
SMALLEST_CURVATURE = 1e-8
NEAR = 0.1
"""The squared length of the gradient, its covariance being the information, from which Newton steps are taken."""
LARGEST_RATIO = 1e16
"""A random effect's variance over its sampling variance at which a search stops: the residual is running to zero."""


@dataclass(frozen=True)
class Minimum:
    """Where the search ended, for R responses.

    `phi` (R, K), and `at` the same as factors; `criterion` (R,), `beta` (R, p) and `r2` (R,) there, `decrement` (R,)
    twice what a Newton step still promises, `certified` (R,): no step to gain by, curvature positive in every direction
    that is free, and the gradient at every zero pointing outwards.
    """

    phi: np.ndarray
    at: Covariances
    criterion: np.ndarray
    beta: np.ndarray
    r2: np.ndarray
    decrement: np.ndarray
    certified: np.ndarray


def minimise(design: Form, response: Any, start: np.ndarray) -> Minimum:
    """Minimise from phi = start (R, K), all responses at once; those that are done drop out of the work.

    Where a matrix is singular to rounding, its response alone has no certified minimum. Without parameters there is
    nothing to search.
    """
    if not start.shape[1]:
        at, point = evaluate(design, response, start), from_phi(design, start)
        found = np.isfinite(at.criterion)
        return Minimum(start, point, at.criterion, at.beta, at.r2, np.zeros(len(start)), found)
    try:
        return _minimum(design, response, start)
    except np.linalg.LinAlgError:
        if len(start) == 1:
            return _no_minimum(design, start)
    each = [minimise(design, response.take(np.array([k])), start[k : k + 1]) for k in range(len(start))]
    axes = tuple(map(np.concatenate, zip(*(one.at.axes for one in each), strict=True)))
    at = Covariances(np.concatenate([one.at.d for one in each]), axes)
    names = ("criterion", "beta", "r2", "decrement", "certified")
    return Minimum(to_phi(design, at), at, *(np.concatenate([getattr(one, name) for one in each]) for name in names))


def _no_minimum(design: Form, start: np.ndarray) -> Minimum:
    n, p, at = len(start), design.n_fixed, from_phi(design, start.astype(float))
    nothing = np.full(n, np.nan)
    return Minimum(start, at, nothing, np.full((n, p), np.nan), nothing, np.full(n, np.inf), np.zeros(n, dtype=bool))


def _minimum(design: Form, response: Any, start: np.ndarray) -> Minimum:
    nothing = _no_minimum(design, start)
    ended, criterion, beta, r2 = nothing.at, nothing.criterion.copy(), nothing.beta, nothing.r2
    decrement, certified = nothing.decrement, nothing.certified
    ceiling = _ceiling(design)
    at = evaluate(design, response, to_phi(design, ended))
    active = np.flatnonzero(np.isfinite(at.criterion))
    here, point, at = response.take(active), ended.take(active), at.take(active)
    for _ in range(MAX_ITERATIONS if len(active) else 0):
        point, slopes = in_coordinates(design, point, derivatives(design, at))
        step, settled, _ = newton_step(design, point, slopes)
        too_large = point.d + step > ceiling
        step, settled = np.where(too_large, ceiling - point.d, step), settled & ~too_large.any(axis=1)
        gain = -(slopes.gradient * step).sum(axis=1)
        _put(ended, active, point)
        criterion[active], beta[active], r2[active], decrement[active] = at.criterion, at.beta, at.r2, gain
        allowed = tolerance(design, point)
        done = settled & (np.abs(gain) < allowed)
        certified[active[done]] = True
        going = ~done & (step != 0.0).any(axis=1)
        if not going.any():
            break
        active, step, gain, settled, allowed = (one[going] for one in (active, step, gain, settled, allowed))
        here, point = here.take(going), point.take(going)
        rounding = _rounding(criterion[active])
        # where rounding hides the fall of the criterion, the gradient still leads on, and it alone certifies
        hidden = np.maximum(rounding, _hidden(design, point))
        step, at = _line_search(design, here, point, step, gain, criterion[active] + hidden)
        point = moved(design, point, step)
        stuck = ~(step != 0.0).any(axis=1)
        if stuck.any():
            certified[active[stuck & settled & (gain < np.maximum(rounding, allowed))]] = True
            active, here, point, at = active[~stuck], here.take(~stuck), point.take(~stuck), at.take(~stuck)
            if stuck.all():
                break
    return Minimum(to_phi(design, ended), ended, criterion, beta, r2, decrement, certified)


def newton_step(design: Form, at: Covariances, slopes: Derivatives) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The step (R, K) to the minimum of the local quadratic with D >= 0, whether it may be the last one (R,) - the
    Hessian is convex and no variance is about to become zero - and what is zero after it (R, K).

    Far from the optimum, or where the Hessian is not convex, the expected information stands in (Fisher scoring): it is
    always convex, and of a balanced design it finds the optimum in a step.
    """
    gradient, bounded = slopes.gradient, design.is_variance
    idle = without_effect(design, at)
    fixed = at_zero = (bounded & (at.d <= 0.0) & (gradient >= 0.0)) | idle
    diagonal = np.einsum("rkk->rk", slopes.information)
    lost = ((diagonal <= 0.0) & ~idle).any(axis=1)  # to rounding, where the residual is next to nothing
    scale = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    hessian = slopes.hessian / (scale[:, :, None] * scale[:, None, :])
    information = slopes.information / (scale[:, :, None] * scale[:, None, :])
    scaled_d, scaled_gradient = at.d * scale, gradient / scale
    near = (np.where(fixed, 0.0, scaled_gradient) ** 2).sum(axis=1) < NEAR
    convex = np.zeros(len(near), dtype=bool)
    convex[near] = np.linalg.eigvalsh(_only(hessian[near], ~fixed[near]))[:, 0] > SMALLEST_CURVATURE
    never_singular = information + SMALLEST_CURVATURE * np.eye(len(bounded))
    model = np.where(convex[:, None, None], hessian, never_singular)
    for _ in range(at.d.shape[1] + 1):
        # Coordinates that would turn negative are set to zero, and the others find their minimum given that.
        there = np.where(fixed, -scaled_d, 0.0)
        right = scaled_gradient + np.einsum("rkl,rl->rk", model, there)
        step = np.linalg.solve(_only(model, ~fixed), np.where(fixed, 0.0, -right)[..., None])[..., 0] + there
        negative = bounded & (scaled_d + step < 0.0) & ~fixed
        if not negative.any():
            break
        fixed = fixed | negative
    uphill = (scaled_gradient * step).sum(axis=1) > 0.0
    step = np.where(uphill[:, None], np.where(idle, 0.0, -scaled_gradient), step) / scale
    step = np.where(fixed & ~uphill[:, None], -at.d, np.maximum(step, np.where(bounded, -at.d, -np.inf)))
    return step, ~lost & convex & ~uphill & ~(fixed & ~at_zero).any(axis=1), fixed & bounded


def _line_search(
    design: Form,
    response: Any,
    at: Covariances,
    step: np.ndarray,
    gain: np.ndarray,
    most: np.ndarray,
) -> tuple[np.ndarray, Any]:
    """Halve each step until the criterion is as far below `most` as the gradient promised (Armijo), or leave it out."""
    length = np.ones(len(step))
    evaluated = evaluate(design, response, to_phi(design, at, step))
    failing = np.arange(len(step))
    for halvings in range(MAX_HALVINGS + 1):
        enough = most - ARMIJO * length * gain
        failing = failing[~(evaluated.criterion <= enough)[failing]]
        if not len(failing) or halvings == MAX_HALVINGS:
            break
        length[failing] /= 2.0
        phi = to_phi(design, at.take(failing), length[failing, None] * step[failing])
        evaluated.put(failing, evaluate(design, response.take(failing), phi))
    length[failing] = 0.0
    return length[:, None] * step, evaluated


def tolerance(design: Form, at: Covariances) -> np.ndarray:
    """What a Newton step may still promise, twice, of an optimum (R,)."""
    return np.clip(_hidden(design, at), DECREMENT, LARGEST_DECREMENT)


def _hidden(design: Form, at: Covariances) -> np.ndarray:
    """What rounding hides of the criterion where random effects are much larger than the residual (R,)."""
    return np.finfo(float).eps * (at.d * design.largest).max(axis=1, initial=0.0)


def _rounding(criterion: np.ndarray) -> np.ndarray:
    """Differences of the criterion below which rounding hides which is better."""
    return 1e-12 * (1.0 + np.abs(criterion))


def _ceiling(design: Form) -> np.ndarray:
    """Above which a coordinate is not let (K,)."""
    largest = design.largest
    ceiling = np.full(len(largest), np.inf)
    ceiling[largest > 0.0] = LARGEST_RATIO / largest[largest > 0.0]
    for index in design.correlated:
        ceiling[np.diag(index)] = ceiling[np.diag(index)].min()
    return ceiling


def _put(ended: Covariances, active: np.ndarray, point: Covariances) -> None:
    ended.d[active] = point.d
    for axes, new in zip(ended.axes, point.axes, strict=True):
        axes[active] = new


def _only(matrices: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The matrices (R, K, K) with the identity in the rows and columns that are not free (R, K)."""
    both = free[:, :, None] & free[:, None, :]
    return np.where(both, matrices, np.eye(matrices.shape[1]))
