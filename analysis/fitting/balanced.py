"""Scores of every unit on every group, where the likelihood needs matrices of the terms' number alone.

Units (runs) are crossed with groups (targets), one row each; columns are the same in all groups. An orthonormal
rotation over groups leaves the units' mean, which has the fixed effects and what units and sets of units share, and
contrasts of groups, which have neither (Searle, Casella & McCulloch 1992, ch. 4). In the mean's rows, what is shared is
a variance for each stratum: within sets, and between sets of one size and kind. So V is Lambda + Z G Z' there, Lambda
constant in a stratum, and I + Z G Z' in the contrasts. Parameters are variances over the residual's, as in
`restricted_likelihood`, whose formulas for the derivatives these are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from analysis.fitting.restricted_likelihood import (
    Derivatives,
    by_parameter,
    derivatives,
    derivatives_from,
    evaluate,
)

ROUNDING = 1e-13
"""The share of y'y below which y'Py is nothing but rounding."""


@dataclass(frozen=True)
class Balanced:
    """N units on T groups, q random columns Z, p fixed columns X; K parameters. The first `n_varying` random columns
    vary by group; the others, which all groups share, are in the mean alone.

    `products` (G, q + p, q + p) of [Z, sqrt(T) X] in each stratum of `size` (G,) rows; `tie` (q, K): which variance
    each random column has; `load` (G, K): how often each variance stands in a stratum's. `columns` (N, q + p) and
    `sets` (N, S), orthonormal, with the stratum of each, `stratum_of_set` (S,): stratum 0 is within sets. `order`
    (T, N) has
    the row of each unit in each group.
    """

    products: np.ndarray
    size: np.ndarray
    tie: np.ndarray
    load: np.ndarray
    columns: np.ndarray
    sets: np.ndarray
    stratum_of_set: np.ndarray
    order: np.ndarray
    n_varying: int
    correlated: tuple[np.ndarray, ...] = ()

    @property
    def n_groups(self) -> int:
        """T."""
        return len(self.order)

    @property
    def n_fixed(self) -> int:
        """p."""
        return self.columns.shape[1] - len(self.tie)

    @property
    def residual_df(self) -> int:
        """v = N T - p."""
        return self.order.size - self.n_fixed

    @cached_property
    def is_variance(self) -> np.ndarray:
        """All parameters are (K,)."""
        return np.ones(self.tie.shape[1], dtype=bool)

    @property
    def largest(self) -> np.ndarray:
        """The largest sum of squares of a column that each variance stands for (K,)."""
        q = len(self.tie)
        squares = np.diag(self.products.sum(axis=0))[:q, None] * self.tie
        return np.maximum(squares.max(axis=0, initial=0.0), self.load.max(axis=0))

    def response(self, y: np.ndarray) -> BalancedResponse:
        """Cross-products of responses y (R, n_rows), less their least-squares fits or not."""
        by_group = y[:, self.order]
        mean = by_group.sum(axis=1) / np.sqrt(self.n_groups)
        rest = by_group - by_group.mean(axis=1, keepdims=True)
        of_sets = mean @ self.sets
        n_strata, in_stratum = len(self.size), np.arange(len(self.size))[:, None] == self.stratum_of_set
        uy = np.einsum("rs,gs,su->rgu", of_sets, in_stratum, self.sets.T @ self.columns, optimize=True)
        yy = of_sets**2 @ in_stratum.T if n_strata > 1 else np.zeros((len(y), 1))
        uy[:, 0] = mean @ self.columns - uy.sum(axis=1)
        yy[:, 0] = (mean**2).sum(axis=1) - yy.sum(axis=1)
        zy = rest @ self.columns[:, : self.n_varying]
        return BalancedResponse(uy, yy, zy, (rest**2).sum(axis=(1, 2)))


@dataclass(frozen=True)
class BalancedResponse:
    """R responses: `uy` (R, G, q + p) and `yy` (R, G) of the mean in each stratum; `zy` (R, T, q) and `rest` (R,) of
    what groups deviate from it."""

    uy: np.ndarray
    yy: np.ndarray
    zy: np.ndarray
    rest: np.ndarray

    def take(self, which: np.ndarray) -> BalancedResponse:
        """The responses at the positions `which`."""
        return BalancedResponse(*(getattr(self, one.name)[which] for one in fields(self)))


@dataclass(frozen=True)
class BalancedEvaluation:
    """The criterion (R,) and what its derivatives are made of: `weight` 1 / Lambda (R, G), `q` of P = Lambda^-1 -
    Lambda^-1 U Q U' Lambda^-1 (R, q + p, q + p), `within` = Z'V^-1 Z of a contrast and `of_rest` its Z'V^-1 y
    (R, T, q), `zpz` = Z'PZ, `h` = Z'V^-1 X and `s` = Z'Py of the mean, `coefficients` = Q U' Lambda^-1 y (R, q + p)."""

    criterion: np.ndarray
    m: np.ndarray
    beta: np.ndarray
    r2: np.ndarray
    weight: np.ndarray
    q: np.ndarray
    within: np.ndarray
    of_rest: np.ndarray
    zpz: np.ndarray
    h: np.ndarray
    s: np.ndarray
    coefficients: np.ndarray
    of_response: BalancedResponse

    def take(self, which: np.ndarray) -> BalancedEvaluation:
        """That of the responses at the positions `which`."""
        arrays = {one.name: getattr(self, one.name)[which] for one in fields(self)[:-1]}
        return replace(self, **arrays, of_response=self.of_response.take(which))

    def put(self, which: np.ndarray, other: BalancedEvaluation) -> None:
        """Overwrite that of the responses at the positions `which`, which are the same responses."""
        for one in fields(self)[:-1]:
            getattr(self, one.name)[which] = getattr(other, one.name)


@evaluate.register
def _(design: Balanced, response: BalancedResponse, phi: np.ndarray) -> BalancedEvaluation:
    n_z, n_c, v = len(design.tie), design.n_varying, design.residual_df
    g, weight = phi @ design.tie.T, 1.0 / (1.0 + phi @ design.load.T)
    mean = np.einsum("rg,gab->rab", weight, design.products)
    uy = np.einsum("rg,rga->ra", weight, response.uy)
    zz = design.products[:, :n_c, :n_c].sum(axis=0)
    contrast = np.eye(n_c) + zz * g[:, None, :n_c]
    within = np.linalg.solve(contrast, np.broadcast_to(zz, contrast.shape))
    of_rest = np.linalg.solve(contrast[:, None], response.zy[..., None])[..., 0]
    system = np.eye(n_z) + mean[:, :n_z, :n_z] * g[:, None, :]
    solved = np.linalg.solve(system, np.concatenate([mean[:, :n_z], uy[:, :n_z, None]], axis=2))
    t, h, zvy = solved[..., :n_z], solved[..., n_z:-1], solved[..., -1]
    gb = g[..., None] * mean[:, :n_z, n_z:]
    xvx = mean[:, n_z:, n_z:] - gb.mT @ h
    xvy = uy[:, n_z:] - np.einsum("ra,rap->rp", g * uy[:, :n_z], h)
    m = np.linalg.inv(xvx)
    beta = np.einsum("rpq,rq->rp", m, xvy)
    yvy = np.einsum("rg,rg->r", weight, response.yy) - (g * uy[:, :n_z] * zvy).sum(axis=1)
    yvy = yvy + response.rest - (g[:, None, :n_c] * response.zy * of_rest).sum(axis=(1, 2))
    r2 = yvy - (beta * xvy).sum(axis=1)
    r2 = np.where(r2 > ROUNDING * (response.yy.sum(axis=1) + response.rest), r2, np.nan)
    logdets = np.linalg.slogdet(system)[1] + (design.n_groups - 1) * np.linalg.slogdet(contrast)[1]
    logdets = logdets - np.log(weight) @ design.size + np.linalg.slogdet(xvx)[1]
    s = zvy - np.einsum("rap,rp->ra", h, beta)
    e = np.linalg.solve(system.mT, g[:, None, :] * np.eye(n_z))  # (I + G A)^-1 G
    eb = e @ mean[:, :n_z, n_z:]
    q = np.concatenate(
        [np.concatenate([e + eb @ m @ eb.mT, -eb @ m], axis=2), np.concatenate([-m @ eb.mT, m], axis=2)], axis=1
    )
    return BalancedEvaluation(
        logdets + v * (1.0 + np.log(2.0 * np.pi * r2 / v)),
        m,
        beta,
        r2,
        weight,
        q,
        within,
        of_rest,
        t - h @ m @ h.mT,
        h,
        s,
        np.concatenate([g * s, beta], axis=1),
        response,
    )


@derivatives.register
def _(design: Balanced, at: BalancedEvaluation) -> Derivatives:
    n_z, n_contrasts, tie, load = len(design.tie), design.n_groups - 1, design.tie, design.load
    varying = tie[: design.n_varying]
    products, w, response = design.products, at.weight, at.of_response
    in_stratum = at.q[:, None] @ products  # Q S_g
    by_trace = np.einsum("rgaa->rg", in_stratum)
    mean = np.einsum("rg,gab->rab", w, products)
    outside = np.eye(len(products[0]))[:, :n_z] - at.q @ mean[..., :n_z]
    through = np.einsum("rae,gab,rbe->reg", outside, products, outside, optimize=True) * w[:, None, :] ** 2
    left = response.uy - np.einsum("gab,rb->rga", products, at.coefficients)
    r = w[..., None] * left
    squares = response.yy - np.einsum("rga,ra->rg", response.uy + left, at.coefficients)
    quadratic_g = w**2 * squares
    flat = in_stratum.reshape(*in_stratum.shape[:2], in_stratum.shape[2] * in_stratum.shape[3])  # also of no response
    crossed = flat @ in_stratum.mT.reshape(flat.shape).mT
    weights = w[:, :, None] * w[:, None, :]
    own = np.eye(len(design.size))
    trace_gg = weights**2 * crossed + own * (w**2 * design.size - 2.0 * w**3 * by_trace)[:, None, :]
    quadratic_gg = own * (w * quadratic_g)[:, None, :] - weights * (r @ at.q @ r.mT)
    mixed_quadratic = at.s[..., None] * (outside.mT @ r.mT) * w[:, None, :]
    trace_k = np.einsum("raa->ra", at.zpz) @ tie + n_contrasts * np.einsum("raa->ra", at.within) @ varying
    trace_k = trace_k + (w * design.size - w**2 * by_trace) @ load
    mixed = tie.T @ through @ load
    trace_kl = tie.T @ at.zpz**2 @ tie + n_contrasts * (varying.T @ at.within**2 @ varying)
    trace_kl = trace_kl + mixed + mixed.mT + load.T @ trace_gg @ load
    quadratic_k = at.s**2 @ tie + (at.of_rest**2).sum(axis=1) @ varying + quadratic_g @ load
    quadratic_zz = tie.T @ (at.s[:, :, None] * at.zpz * at.s[:, None, :]) @ tie
    quadratic_zz = quadratic_zz + varying.T @ (at.within * (at.of_rest.mT @ at.of_rest)) @ varying
    mixed = tie.T @ mixed_quadratic @ load
    quadratic_kl = quadratic_zz + mixed + mixed.mT + load.T @ quadratic_gg @ load
    return derivatives_from(design.residual_df, at.r2, trace_k, trace_kl, quadratic_k, quadratic_kl)


@by_parameter.register
def _(design: Balanced, at: BalancedEvaluation) -> np.ndarray:
    n_z = len(design.tie)
    fixed = np.concatenate(
        [at.q[:, :n_z, n_z:] @ np.linalg.inv(at.m), np.tile(np.eye(design.n_fixed), (len(at.m), 1, 1))], axis=1
    )
    of_stratum = at.weight[..., None, None] ** 2 * (fixed.mT[:, None] @ design.products @ fixed[:, None])
    by_column = at.h[..., :, None] * at.h[..., None, :]
    return np.einsum("repq,ek->rkpq", by_column, design.tie) + np.einsum("rgpq,gk->rkpq", of_stratum, design.load)
