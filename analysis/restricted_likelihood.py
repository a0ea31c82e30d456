"""The profiled (restricted) likelihood of a linear mixed model with its exact gradient and Hessian, for many responses
at once.

y = X beta + Z b + e, b ~ N(0, sigma^2 G), G = sum_k phi_k S_k, e ~ N(0, sigma^2): phi_k is a variance, and S_k has ones
on the diagonal where it stands, or a covariance, and the ones are off the diagonal. V = I + Z G Z', and P = V^-1 -
V^-1 X M X' V^-1 with M = (X' V^-1 X)^-1. Derivatives are taken in phi: in square roots the gradient vanishes at 0, so
that a zero could not be certified there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.cross_products import Design, Response

ROUNDING = 1e-13
"""The share of y'y below which y'Py is nothing but rounding."""


@dataclass(frozen=True)
class Evaluation:
    """The criterion (R,) at phi (NaN where rounding leaves nothing of it), and what its derivatives are made of.

    `t` = Z'V^-1 Z (R, J, q, q), `h` = Z'V^-1 X (R, J, q, p), `s` = Z'V^-1 (y - X beta) (R, J, q), `m` = M (R, p, p),
    `beta` (R, p), `r2` = y'Py (R,).
    """

    criterion: np.ndarray
    t: np.ndarray
    h: np.ndarray
    s: np.ndarray
    m: np.ndarray
    beta: np.ndarray
    r2: np.ndarray


@dataclass(frozen=True)
class Derivatives:
    """In phi, for K parameters: of the profiled criterion `gradient` (R, K), `hessian` and its expectation
    `information` (R, K, K); for the criterion in (phi, sigma^2) `score` = -d r2 / d phi (R, K) and `curvature`
    (R, K, K), the second derivative at the profiled sigma^2."""

    gradient: np.ndarray
    hessian: np.ndarray
    information: np.ndarray
    score: np.ndarray
    curvature: np.ndarray


def evaluate(design: Design, response: Response, phi: np.ndarray) -> Evaluation:
    """-2 log (restricted) likelihood, as lme4 prints it, at phi (R, K)."""
    v, (n_blocks, q, p) = design.residual_df, design.zx.shape
    n_responses = len(phi)
    system = np.eye(q) + times_covariance(design, phi, design.zz).mT
    right = np.empty((n_responses, n_blocks, q, q + p + 1))
    right[..., :q], right[..., q:-1], right[..., -1] = design.zz, design.zx, response.zy
    # (I + A G)^-1 [A, B, c] = Z'V^-1 [Z, X, y]: one solve, and no difference of large numbers as in A - A E A.
    solved = np.linalg.solve(system, right)
    t, h, zvy = solved[..., :q], solved[..., q:-1], solved[..., -1]
    stacked_h = h.reshape(n_responses, n_blocks * q, p)
    gzx = times_covariance(design, phi, design.zx).reshape(n_responses, n_blocks * q, p)
    gzy = times_covariance(design, phi, response.zy[..., None]).reshape(n_responses, n_blocks * q)
    xvx = design.xx.sum(axis=0) - gzx.mT @ stacked_h
    xvy = response.xy - np.einsum("ra,rap->rp", gzy, stacked_h)
    yvy = response.yy - np.einsum("ra,ra->r", gzy, zvy.reshape(n_responses, n_blocks * q))
    m = np.linalg.inv(xvx)
    beta = np.einsum("rpq,rq->rp", m, xvy)
    r2 = yvy - np.einsum("rp,rp->r", beta, xvy)
    r2 = np.where(r2 > ROUNDING * response.yy, r2, np.nan)
    logdets = np.linalg.slogdet(system)[1].sum(axis=1)
    if design.reml:
        logdets = logdets + np.linalg.slogdet(xvx)[1]
    criterion = logdets + v * (1.0 + np.log(2.0 * np.pi * r2 / v))
    s = zvy - np.einsum("rjqp,rp->rjq", h, beta)
    return Evaluation(criterion, t, h, s, m, beta, r2)


def derivatives(design: Design, at: Evaluation) -> Derivatives:
    """First and second derivatives in phi where `at` was evaluated.

    With V_k = dV/dphi_k: tr(P V_k), tr(P V_k P V_l), y'P V_k P y and y'P V_k P V_l P y, all from t, h, s and M. For
    maximum likelihood V^-1 stands for P in the traces.
    """
    v, tie, (left, right) = design.residual_df, design.tie, design.entries
    h_left, h_right = at.h[..., left, :], at.h[..., right, :]
    s_left, s_right = at.s[..., left], at.s[..., right]
    u = 0.5 * (np.einsum("rje,rjep->rep", s_left, h_right) + np.einsum("rje,rjep->rep", s_right, h_left))
    quadratic_k = (s_left * s_right).sum(axis=1) @ tie
    quadratic_kl = _sandwiches(design, at.t, at.s).sum(axis=1) - u @ at.m @ u.mT
    if design.reml:
        hm = at.h @ at.m[:, None]
        hmh = hm @ at.h.mT
        trace_k = (at.t - hmh)[..., left, right].sum(axis=1) @ tie
        flat = np.einsum("rjep,rjeq->repq", hm[..., left, :], h_right)  # M H_e transposed, H_e = sum_j h_je h_je'
        flat = (flat + np.einsum("rjep,rjeq->repq", hm[..., right, :], h_left)) / 2.0 if len(design.pairs) else flat
        transposed = flat.mT.reshape(*flat.shape[:2], -1)
        trace_kl = _products(design, at.t, at.t - 2.0 * hmh).sum(axis=1)
        trace_kl = trace_kl + flat.reshape(transposed.shape) @ transposed.mT
    else:
        trace_k = at.t[..., left, right].sum(axis=1) @ tie
        trace_kl = _products(design, at.t, at.t).sum(axis=1)
    trace_kl, quadratic_kl = tie.T @ trace_kl @ tie, tie.T @ quadratic_kl @ tie
    r2 = at.r2[:, None, None]
    curvature = 2.0 * v * quadratic_kl / r2 - trace_kl
    return Derivatives(
        gradient=trace_k - v * quadratic_k / at.r2[:, None],
        hessian=curvature - v * _outer(quadratic_k) / r2**2,
        information=trace_kl - _outer(trace_k) / v,
        score=quadratic_k,
        curvature=curvature,
    )


def times_covariance(design: Design, phi: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """G (R, q, q) at phi (R, K) times matrices (J, q, m) or (R, J, q, m), as (R, J, q, m)."""
    if not len(design.pairs):
        return (phi @ design.tie.T)[:, None, :, None] * matrix
    return relative_covariance(design, phi)[:, None] @ matrix


def relative_covariance(design: Design, phi: np.ndarray) -> np.ndarray:
    """G (R, q, q) at phi (R, K)."""
    q, (left, right) = design.zz.shape[1], design.entries
    covariance = np.zeros((len(phi), q, q))
    covariance[:, left, right] = covariance[:, right, left] = phi @ (design.tie != 0.0).T
    return covariance


def _products(design: Design, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """tr(X S_e Y S_f) for each two entries of G, X and Y being symmetric (R, J, q, q)."""
    if not len(design.pairs):
        return x * y
    a, b = design.entries
    aa, ab, bb = (a[:, None], a), (a[:, None], b), (b[:, None], b)
    x_ab, y_ab = x[..., *ab], y[..., *ab]
    return (x[..., *aa] * y[..., *bb] + x[..., *bb] * y[..., *aa] + x_ab * y_ab.mT + x_ab.mT * y_ab) / 4.0


def _sandwiches(design: Design, t: np.ndarray, s: np.ndarray) -> np.ndarray:
    """s' S_e T S_f s for each two entries of G, with T (R, J, q, q) and s (R, J, q)."""
    if not len(design.pairs):
        return s[..., :, None] * t * s[..., None, :]
    a, b = design.entries
    s_a, s_b = s[..., a], s[..., b]
    mixed = s_b[..., :, None] * t[..., a[:, None], b] * s_a[..., None, :]
    same = s_b[..., :, None] * t[..., a[:, None], a] * s_b[..., None, :]
    other = s_a[..., :, None] * t[..., b[:, None], b] * s_a[..., None, :]
    return (same + other + mixed + mixed.mT) / 4.0


def _outer(vectors: np.ndarray) -> np.ndarray:
    return vectors[:, :, None] * vectors[:, None, :]
