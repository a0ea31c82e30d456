"""The profiled REML criterion of a linear mixed model with its exact gradient and Hessian, for many responses at once.

y = X beta + Z b + e, b_k ~ N(0, sigma^2 phi_k) independent, e ~ N(0, sigma^2). V = I + Z diag(phi) Z', and
P = V^-1 - V^-1 X M X' V^-1 with M = (X' V^-1 X)^-1. Derivatives are taken in phi, the relative variances: in their
square roots the gradient vanishes at 0, so that a zero could not be certified there.
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
    """In phi, for K variances: of the profiled criterion `gradient` (R, K), `hessian` and its expectation `information`
    (R, K, K); for the criterion in (phi, sigma^2) `score` = -d r2 / d phi (R, K) and `curvature` (R, K, K), the second
    derivative at the profiled sigma^2."""

    gradient: np.ndarray
    hessian: np.ndarray
    information: np.ndarray
    score: np.ndarray
    curvature: np.ndarray


def evaluate(design: Design, response: Response, phi: np.ndarray) -> Evaluation:
    """-2 log restricted likelihood, as lme4 prints it, at phi (R, K)."""
    v, (n_groups, q, p) = design.residual_df, design.zx.shape
    weight = phi @ design.tie.T
    system = np.eye(q) + design.zz * weight[:, None, None, :]
    n_responses = len(phi)
    right = np.empty((n_responses, n_groups, q, q + p + 1))
    right[..., :q], right[..., q:-1], right[..., -1] = design.zz, design.zx, response.zy
    # (I + A Phi)^-1 [A, B, c] = Z'V^-1 [Z, X, y]: one solve, and no difference of large numbers as in A - A E A.
    solved = np.linalg.solve(system, right)
    t, h, zvy = solved[..., :q], solved[..., q:-1], solved[..., -1]
    weighted_zx = (design.zx * weight[:, None, :, None]).reshape(n_responses, n_groups * q, p)
    weighted_zy = (response.zy * weight[:, None, :]).reshape(n_responses, n_groups * q)
    xvx = design.xx.sum(axis=0) - weighted_zx.mT @ h.reshape(n_responses, n_groups * q, p)
    xvy = response.xy - np.einsum("ra,rap->rp", weighted_zy, h.reshape(n_responses, n_groups * q, p))
    yvy = response.yy - np.einsum("ra,ra->r", weighted_zy, zvy.reshape(n_responses, n_groups * q))
    m = np.linalg.inv(xvx)
    beta = np.einsum("rpq,rq->rp", m, xvy)
    r2 = yvy - np.einsum("rp,rp->r", beta, xvy)
    r2 = np.where(r2 > ROUNDING * response.yy, r2, np.nan)
    logdets = np.linalg.slogdet(system)[1].sum(axis=1) + np.linalg.slogdet(xvx)[1]
    criterion = logdets + v * (1.0 + np.log(2.0 * np.pi * r2 / v))
    s = zvy - np.einsum("rjqp,rp->rjq", h, beta)
    return Evaluation(criterion, t, h, s, m, beta, r2)


def derivatives(design: Design, at: Evaluation) -> Derivatives:
    """First and second derivatives in phi where `at` was evaluated.

    With V_k = dV/dphi_k: tr(P V_k), tr(P V_k P V_l), y'P V_k P y and y'P V_k P V_l P y, all from t, h, s and M.
    """
    v, tie = design.residual_df, design.tie
    hm = at.h @ at.m[:, None]
    hmh = hm @ at.h.mT
    trace_k = (np.einsum("rjkk->rk", at.t) - np.einsum("rjkk->rk", hmh)) @ tie
    hm_columns = np.einsum("rjkp,rjkq->rkpq", hm, at.h)  # M H_k transposed, H_k = sum_j h_jk h_jk'
    flat = hm_columns.reshape(*hm_columns.shape[:2], -1)
    flat_transposed = hm_columns.mT.reshape(flat.shape)
    trace_kl = (at.t * (at.t - 2.0 * hmh)).sum(axis=1) + flat @ flat_transposed.mT
    quadratic_k = (at.s**2).sum(axis=1) @ tie
    u = np.einsum("rjk,rjkp->rkp", at.s, at.h)
    quadratic_kl = np.einsum("rjk,rjkl,rjl->rkl", at.s, at.t, at.s) - u @ at.m @ u.mT
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


def _outer(vectors: np.ndarray) -> np.ndarray:
    return vectors[:, :, None] * vectors[:, None, :]
