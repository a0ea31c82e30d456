"""The profiled (restricted) likelihood of a linear mixed model with its exact gradient and Hessian, for many responses
at once.

y = X beta + Z b + e, b ~ N(0, sigma^2 G), G = sum_k phi_k S_k, e ~ N(0, sigma^2): phi_k is a variance, and S_k has ones
on the diagonal where it stands, or a covariance, and the ones are off the diagonal. V = I + Z G Z', and P = V^-1 -
V^-1 X M X' V^-1 with M = (X' V^-1 X)^-1. Derivatives are taken in phi: in square roots the gradient vanishes at 0, so
that a zero could not be certified there.

Z has its blocks, and a border of columns U that cross them. Blocks are solved first, W = [U X] standing for the fixed
columns, then the border. With V_1 of the blocks alone and E = G_u (I + U'V_1^-1 U G_u)^-1, P = V_1^-1 - V_1^-1 U E U'
V_1^-1 - V^-1 X M X' V^-1: between blocks, the border's E is what M is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np

from analysis.fitting.covariance_parameters import products, sandwiches
from analysis.fitting.cross_products import Design, Response

ROUNDING = 1e-28
"""The share of y'y below which y'Py is nothing but rounding."""

NO_INFORMATION = 1e-11
"""The share of its two parts that the information is nothing but rounding below."""


@dataclass(frozen=True)
class Border:
    """`t` = U'V^-1 U (R, b, b), `h` = U'V^-1 X (R, b, p), `s` = U'V^-1 (y - X beta) (R, b), `across` = U'V^-1 Z of the
    blocks (R, J, b, q), and `e` = E (R, b, b)."""

    t: np.ndarray
    h: np.ndarray
    s: np.ndarray
    across: np.ndarray
    e: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All of them."""
        return self.t, self.h, self.s, self.across, self.e


@dataclass(frozen=True)
class Evaluation:
    """The criterion (R,) at phi (NaN where rounding leaves nothing of it), and what its derivatives are made of.

    `t` = Z'V_1^-1 Z (R, J, q, q), `h` = Z'[V_1^-1 U, V^-1 X] (R, J, q, b + p), `s` = Z'V^-1 (y - X beta) (R, J, q),
    `m` = M (R, p, p), `beta` (R, p), `r2` = y'Py (R,). Without a `border`, V_1 is V and b is 0.
    """

    criterion: np.ndarray
    t: np.ndarray
    h: np.ndarray
    s: np.ndarray
    m: np.ndarray
    beta: np.ndarray
    r2: np.ndarray
    border: Border | None

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All of them, the border's apart."""
        return self.criterion, self.t, self.h, self.s, self.m, self.beta, self.r2

    def take(self, which: np.ndarray) -> Evaluation:
        """That of the responses at the positions `which`."""
        border = self.border and Border(*(array[which] for array in self.border.arrays))
        criterion, t, h, s, m, beta, r2 = (array[which] for array in self.arrays)
        return Evaluation(criterion, t, h, s, m, beta, r2, border)

    def put(self, which: np.ndarray, other: Evaluation) -> None:
        """Overwrite that of the responses at the positions `which`."""
        for array, new in zip(self.arrays, other.arrays, strict=True):
            array[which] = new
        if self.border is not None and other.border is not None:
            for array, new in zip(self.border.arrays, other.border.arrays, strict=True):
                array[which] = new


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


@singledispatch
def evaluate(design: Any, response: Any, phi: np.ndarray) -> Any:
    """-2 log (restricted) likelihood, as lme4 prints it, at phi (R, K)."""
    raise TypeError(f"no likelihood of a {type(design).__name__}")


@evaluate.register
def _(design: Design, response: Response, phi: np.ndarray) -> Evaluation:
    b, q, blocks, v = design.border.n_columns, design.zz.shape[1], design.blocks, design.residual_df
    system = np.eye(q) + blocks.times_covariance(phi, design.zz).mT
    # (I + A G)^-1 [A, B] = Z'V_1^-1 [Z, W]: no difference of large numbers as in A - A E A. Nor is any below.
    inverse = np.linalg.inv(system)
    t, h = inverse @ design.zz, inverse @ design.zw
    zvy = (t @ response.on_z[..., None])[..., 0] + np.einsum("rjqu,ru->rjq", h[..., :b], response.on_u)
    logdets, border, zvx = np.linalg.slogdet(system)[1].sum(axis=1), None, h
    if b:
        border, h, zvy, logdet = _across(design, response, phi, h, zvy)
        logdets, zvx = logdets + logdet, h[..., b:]
    xvx = design.xx_rest + _over_blocks(design.x_on_z, zvx)
    xvy = np.einsum("rjqp,rjq->rp", zvx, response.on_z)
    if border is not None:
        xvx = xvx + design.x_on_u.T @ border.h
        xvy = xvy + np.einsum("rbp,rb->rp", border.h, response.on_u)
    xvx = (xvx + xvx.mT) / 2.0
    m = np.linalg.inv(xvx)
    beta = np.einsum("rpq,rq->rp", m, xvy)
    s = zvy - np.einsum("rjqp,rp->rjq", zvx, beta)
    r2 = response.rest + (s * response.on_z).sum(axis=(1, 2))
    if border is not None:
        border = replace(border, s=border.s - np.einsum("rap,rp->ra", border.h, beta))
        r2 = r2 + (border.s * response.on_u).sum(axis=1)
    r2 = np.where(r2 > ROUNDING * response.yy, r2, np.nan)
    if design.reml:
        logdets = logdets + np.linalg.slogdet(xvx)[1]
    criterion = logdets + v * (1.0 + np.log(2.0 * np.pi * r2 / v))
    return Evaluation(criterion, t, h, s, m, response.on_x + beta, r2, border)


@singledispatch
def derivatives(design: Any, at: Any) -> Derivatives:
    """First and second derivatives in phi where `at` was evaluated.

    With V_k = dV/dphi_k: tr(P V_k), tr(P V_k P V_l), y'P V_k P y and y'P V_k P V_l P y. For maximum likelihood V^-1
    stands for P in the traces.
    """
    raise TypeError(f"no likelihood of a {type(design).__name__}")


@derivatives.register
def _(design: Design, at: Evaluation) -> Derivatives:
    v, blocks, tie = design.residual_df, design.blocks, design.blocks.tie
    between = at.m if at.border is None else _beside(at.border.e, at.m)
    in_traces = between if design.reml else between * (np.arange(len(between[0])) < design.border.n_columns)
    h_left, h_right = blocks.both(at.h)
    s_left, s_right = (side[..., 0] for side in blocks.both(at.s[..., None]))
    u = np.einsum("rje,rjep->rep", s_left, h_right)
    if len(blocks.pairs):
        u = (u + np.einsum("rje,rjep->rep", s_right, h_left)) / 2.0
    u = tie.T @ u
    quadratic_k = (s_left * s_right).sum(axis=1) @ tie
    quadratic_kl = tie.T @ sandwiches(blocks, blocks, at.s, at.t, at.s).sum(axis=1) @ tie - u @ between @ u.mT
    hm = at.h @ in_traces[:, None]
    hmh = hm @ at.h.mT
    trace_k = blocks.diagonal(at.t - hmh).sum(axis=1) @ tie
    trace_kl = tie.T @ products(blocks, blocks, at.t, at.t - 2.0 * hmh).sum(axis=1) @ tie
    hm_left, hm_right = blocks.both(hm)
    through = _tied(tie, hm_left, h_right)  # M H_k
    if len(blocks.pairs):
        through = (through + _tied(tie, hm_right, h_left)) / 2.0
    flat = (*through.shape[:2], through.shape[2] ** 2)
    trace_kl = trace_kl + through.reshape(flat) @ through.mT.reshape(flat).mT
    if at.border is not None:
        more = _of_border(design, at, at.border)
        trace_k, trace_kl = trace_k + more[0], trace_kl + more[1]
        quadratic_k, quadratic_kl = quadratic_k + more[2], quadratic_kl + more[3]
    return derivatives_from(v, at.r2, trace_k, trace_kl, quadratic_k, quadratic_kl)


def derivatives_from(
    v: int,
    r2: np.ndarray,
    trace_k: np.ndarray,
    trace_kl: np.ndarray,
    quadratic_k: np.ndarray,
    quadratic_kl: np.ndarray,
) -> Derivatives:
    """From tr(P V_k), tr(P V_k P V_l), y'P V_k P y, y'P V_k P V_l P y and y'Py, over v degrees of freedom."""
    information = trace_kl - _outer(trace_k) / v
    information[np.abs(information) < NO_INFORMATION * np.abs(trace_kl)] = 0.0
    curvature = 2.0 * v * quadratic_kl / r2[:, None, None] - trace_kl
    return Derivatives(
        gradient=trace_k - v * quadratic_k / r2[:, None],
        hessian=curvature - v * _outer(quadratic_k) / r2[:, None, None] ** 2,
        information=information,
        score=quadratic_k,
        curvature=curvature,
    )


@singledispatch
def by_parameter(design: Any, at: Any) -> np.ndarray:
    """X'V^-1 V_k V^-1 X (R, K, p, p), by which dM / dphi_k = M X'V^-1 V_k V^-1 X M."""
    raise TypeError(f"no likelihood of a {type(design).__name__}")


@by_parameter.register
def _(design: Design, at: Evaluation) -> np.ndarray:
    found = _tied(design.blocks.tie, *design.blocks.both(at.h[..., design.border.n_columns :]))
    if at.border is not None:
        found = found + _tied(design.border.tie, *design.border.both(at.border.h[:, None]))
    return (found + found.mT) / 2.0


def _across(
    design: Design, response: Response, phi: np.ndarray, h: np.ndarray, zvy: np.ndarray
) -> tuple[Border, np.ndarray, np.ndarray, float]:
    """Take V_1 to V where there is a border: its own part with `s` for y, `h`, Z'V^-1 y and log|V| - log|V_1|, from
    Z'V_1^-1 W and Z'V_1^-1 y, y being less its least squares on X."""
    b, (n_responses, n_blocks, q, n_w) = design.border.n_columns, h.shape
    g = design.border.covariance(phi)
    uvw = design.ww_rest[:b] + _over_blocks(design.on_z[..., :b], h)
    uvu = (uvw[..., :b] + uvw[..., :b].mT) / 2.0
    uy = (uvu @ response.on_u[..., None]) + np.einsum("rjqu,rjq->ru", h[..., :b], response.on_z)[..., None]
    system = np.eye(b) + uvu @ g
    across = np.moveaxis(h[..., :b], 3, 1).reshape(n_responses, b, n_blocks * q)
    # As for the blocks: (I + U'V_1^-1 U G_u)^-1 takes what has V_1^-1 to what has V^-1.
    solved = np.linalg.solve(system, np.concatenate([uvu, uvw[..., b:], uy, across], axis=2))
    uvx, uvy = solved[..., b:n_w], solved[..., n_w]
    across_blocks = solved[..., n_w + 1 :].reshape(n_responses, b, n_blocks, q)
    across = np.asarray(np.moveaxis(across_blocks, 2, 1))
    guy = np.einsum("rab,rb->ra", g, uvy)
    zvx = h[..., b:] - h[..., :b] @ (g @ uvx)[:, None]
    return (
        Border(solved[..., :b], uvx, uvy, across, np.linalg.solve(system.mT, g)),
        np.concatenate([h[..., :b], zvx], axis=3),
        zvy - (h[..., :b] @ guy[:, None, :, None])[..., 0],
        np.linalg.slogdet(system)[1],
    )


def _over_blocks(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """sum_j left_j' right_j of (J, q, a) and (R, J, q, c), as (R, a, c)."""
    flat = right.reshape(len(right), -1, right.shape[-1])
    return np.asarray(left.reshape(-1, left.shape[-1]).T @ flat)


def _of_border(design: Design, at: Evaluation, border: Border) -> tuple[np.ndarray, ...]:
    """What the border's parameters, and they with the blocks', add to the four of `derivatives`."""
    blocks, own, b = design.blocks, design.border, design.border.n_columns
    hm = border.h @ at.m
    upu, upz = border.t - hm @ border.h.mT, border.across - hm[:, None] @ at.h[..., b:].mT
    in_traces, across_in_traces = (upu, upz) if design.reml else (border.t, border.across)
    trace_k = own.diagonal(in_traces) @ own.tie
    trace_kl = own.tie.T @ products(own, own, in_traces, in_traces) @ own.tie
    mixed = own.tie.T @ products(own, blocks, across_in_traces, across_in_traces).sum(axis=1) @ blocks.tie
    s_left, s_right = (side[..., 0] for side in own.both(border.s[..., None]))
    quadratic_kl = own.tie.T @ sandwiches(own, own, border.s, upu, border.s) @ own.tie
    mixed_quadratic = own.tie.T @ sandwiches(own, blocks, border.s[:, None], upz, at.s).sum(axis=1) @ blocks.tie
    return (
        trace_k,
        trace_kl + mixed + mixed.mT,
        (s_left * s_right) @ own.tie,
        quadratic_kl + mixed_quadratic + mixed_quadratic.mT,
    )


def _tied(tie: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """H_k = sum_je tie_ek left_je right_je' of rows of two (R, J, e, m), as (R, K, m, m)."""
    over_blocks = np.ascontiguousarray(left.transpose(0, 2, 3, 1)) @ np.ascontiguousarray(right.transpose(0, 2, 1, 3))
    n_responses, n_entries, m, _ = over_blocks.shape
    return (tie.T @ over_blocks.reshape(n_responses, n_entries, m**2)).reshape(n_responses, tie.shape[1], m, m)


def _beside(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Matrices (R, b, b) and (R, p, p) as block-diagonal ones (R, b + p, b + p)."""
    b, p = first.shape[1], second.shape[1]
    both = np.zeros((len(first), b + p, b + p))
    both[:, :b, :b], both[:, b:, b:] = first, second
    return both


def _outer(vectors: np.ndarray) -> np.ndarray:
    return vectors[:, :, None] * vectors[:, None, :]
