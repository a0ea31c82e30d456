"""Crossed factors of thousands of levels: the largest is eliminated level by level, the others are one matrix.

The columns Z of the factor eliminated meet no other of their own kind, so that V_1 = I + phi_1 ZZ' is known level by
level. What is left is the matrix U'V_1^-1 U of the other b columns, built from sparse cross-products; its factor and
inverse, and one product, are all of order b^3 that a criterion with its derivatives takes. Parameters and formulas are
those of `restricted_likelihood`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse

from analysis.fitting.covariance_parameters import Ties
from analysis.fitting.random_layout import Layout
from analysis.fitting.restricted_likelihood import (
    Border,
    Derivatives,
    Evaluation,
    by_parameter,
    derivatives,
    derivatives_from,
    evaluate,
)

MANY = 300
"""Columns of the other factors from which they are sparse."""
ROUNDING = 1e-13
"""The share of y'y below which y'Py is nothing but rounding."""


@dataclass(frozen=True)
class Crossed:
    """`zz` (J, 1, 1), `zu` (J, b), `uu` (b, b), `zx` (J, p), `ux` (b, p) and `xx` (p, p); ties are as in `Design`."""

    zz: np.ndarray
    zu: sparse.csr_array
    uu: sparse.csr_array
    zx: np.ndarray
    ux: np.ndarray
    xx: np.ndarray
    n_rows: int
    blocks: Ties
    border: Ties
    reml: bool
    correlated: tuple[np.ndarray, ...] = ()

    @property
    def n_fixed(self) -> int:
        """p."""
        return len(self.xx)

    @property
    def residual_df(self) -> int:
        """n - p, or n for maximum likelihood."""
        return self.n_rows - (self.n_fixed if self.reml else 0)

    @cached_property
    def is_variance(self) -> np.ndarray:
        """All parameters are (K,)."""
        return np.ones(self.border.tie.shape[1], dtype=bool)

    @property
    def largest(self) -> np.ndarray:
        """The largest sum of squares of a column that each variance stands for (K,)."""
        return np.asarray(
            np.maximum(self.zz.max() * self.blocks.tie[0], (self.uu.diagonal()[:, None] * self.border.tie).max(axis=0))
        )

    @property
    def lengths(self) -> np.ndarray:
        """The norm of Z S_k Z' of each parameter (K,), up to a factor of the correlations between columns."""
        squared = (self.zz**2).sum() * self.blocks.tie[0] + self.uu.diagonal() ** 2 @ self.border.tie
        return np.asarray(np.sqrt(np.where(squared > 0.0, squared, 1.0)))


@dataclass(frozen=True)
class CrossedResponse:
    """R responses: `zy` (R, J), `uy` (R, b), `xy` (R, p), `yy` (R,)."""

    zy: np.ndarray
    uy: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def take(self, which: np.ndarray) -> CrossedResponse:
        """The responses at the positions `which`."""
        return CrossedResponse(self.zy[which], self.uy[which], self.xy[which], self.yy[which])


@dataclass(frozen=True)
class _At:
    """One response at one phi: `d` = 1 / (1 + phi_1 z'z) (J,), `c` = U'V_1^-1 U, `g` (b,), `inverse` of I + g^(1/2) C
    g^(1/2), Z'V^-1 X `h_z` and U'V^-1 X `h_u`, Z'Py `s_z` and U'Py `s_u`."""

    criterion: float
    m: np.ndarray
    beta: np.ndarray
    r2: float
    d: np.ndarray
    c: np.ndarray
    g: np.ndarray
    inverse: np.ndarray
    h_z: np.ndarray
    h_u: np.ndarray
    s_z: np.ndarray
    s_u: np.ndarray


@dataclass(frozen=True)
class CrossedEvaluation:
    """R responses, each at its own phi."""

    each: list[_At]

    @property
    def criterion(self) -> np.ndarray:
        """(R,)."""
        return np.array([one.criterion for one in self.each])

    @property
    def m(self) -> np.ndarray:
        """(R, p, p)."""
        return np.stack([one.m for one in self.each])

    @property
    def beta(self) -> np.ndarray:
        """(R, p)."""
        return np.stack([one.beta for one in self.each])

    @property
    def r2(self) -> np.ndarray:
        """(R,)."""
        return np.array([one.r2 for one in self.each])

    def take(self, which: np.ndarray) -> CrossedEvaluation:
        """That of the responses at the positions `which`, or where it is true."""
        return CrossedEvaluation([self.each[k] for k in np.arange(len(self.each))[which]])

    def put(self, which: np.ndarray, other: CrossedEvaluation) -> None:
        """Overwrite that of the responses at the positions `which`."""
        for k, one in zip(which, other.each, strict=True):
            self.each[k] = one


def crossed_of(layout: Layout, x: np.ndarray, reml: bool) -> Crossed | None:
    """The form of a layout with many columns in its border and one in each block; None of others."""
    if layout.border.n_columns < MANY or layout.blocks.n_columns > 1 or layout.correlated:
        return None
    z, u = _columns(layout)
    zz = np.asarray(z.power(2).sum(axis=0)).ravel()[:, None, None]
    zu, uu = sparse.csr_array(z.T @ u), sparse.csr_array(u.T @ u)
    return Crossed(zz, zu, uu, z.T @ x, u.T @ x, x.T @ x, len(x), layout.blocks, layout.border, reml)


def crossed_response(layout: Layout, x: np.ndarray, y: np.ndarray) -> CrossedResponse:
    """Responses y (R, n), less their least-squares fits or not."""
    z, u = _columns(layout)
    return CrossedResponse((z.T @ y.T).T, (u.T @ y.T).T, y @ x, (y**2).sum(axis=1))


def _columns(layout: Layout) -> tuple[sparse.csr_array, sparse.csr_array]:
    n_rows = len(layout.block)
    shape = (n_rows, int(layout.block.max()) + 1)
    z = sparse.csr_array((np.asarray(layout.z).ravel(), (np.arange(n_rows), layout.block)), shape=shape)
    return z, sparse.csr_array(layout.u)


@evaluate.register
def _(design: Crossed, response: CrossedResponse, phi: np.ndarray) -> CrossedEvaluation:
    return CrossedEvaluation([_at(design, response.take(np.array([k])), one) for k, one in enumerate(phi)])


def _at(design: Crossed, response: CrossedResponse, phi: np.ndarray) -> _At:
    a, zu, v = design.zz[:, 0, 0], design.zu, design.residual_df
    phi_1, g = float(design.blocks.tie[0] @ phi), design.border.tie @ phi
    d = 1.0 / (1.0 + phi_1 * a)
    w, zy, root = phi_1 * d, response.zy[0], np.sqrt(g)
    weighted = sparse.csr_array(zu.multiply(w[:, None]))
    c = (design.uu - zu.T @ weighted).toarray()
    c_x, c_y = design.ux - weighted.T @ design.zx, response.uy[0] - weighted.T @ zy
    factor, lower = linalg.cho_factor(np.eye(len(g)) + root[:, None] * c * root, lower=True, overwrite_a=True)
    logdets = 2.0 * np.log(np.diag(factor)).sum() - np.log(d).sum()
    inverse, failed = linalg.lapack.dpotri(factor, lower=lower, overwrite_c=True)
    if failed:
        raise np.linalg.LinAlgError("Singular matrix")
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    e_x, e_y = (root[:, None] * (inverse @ (root[:, None] * part)) for part in (c_x, c_y[:, None]))
    xvx = design.xx - design.zx.T @ (w[:, None] * design.zx) - c_x.T @ e_x
    xvy = response.xy[0] - design.zx.T @ (w * zy) - c_x.T @ e_y[:, 0]
    m = np.linalg.inv(xvx)
    beta = m @ xvy
    r2 = float(response.yy[0] - (w * zy**2).sum() - c_y @ e_y[:, 0] - beta @ xvy)
    r2 = r2 if r2 > ROUNDING * response.yy[0] else np.nan
    if design.reml:
        logdets += np.linalg.slogdet(xvx)[1]
    h_z, h_u = d[:, None] * (design.zx - zu @ e_x), c_x - c @ e_x
    s_z, s_u = d * (zy - zu @ e_y[:, 0]) - h_z @ beta, c_y - c @ e_y[:, 0] - h_u @ beta
    criterion = logdets + v * (1.0 + np.log(2.0 * np.pi * r2 / v))
    return _At(float(criterion), m, beta, r2, d, c, g, inverse, h_z, h_u, s_z, s_u)


@derivatives.register
def _(design: Crossed, at: CrossedEvaluation) -> Derivatives:
    parts = [np.stack(one) for one in zip(*(_slopes(design, one) for one in at.each), strict=True)]
    return derivatives_from(design.residual_df, at.r2, *parts)


def _slopes(design: Crossed, at: _At) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """tr(P V_k), tr(P V_k P V_l), y'P V_k P y and y'P V_k P V_l P y."""
    own, tie, zu, m = design.blocks.tie[0], design.border.tie, design.zu, at.m
    in_traces, ad = m * float(design.reml), design.zz[:, 0, 0] * at.d
    f = sparse.csr_array(zu.multiply(at.d[:, None]))
    ff = (f.T @ f).toarray()
    t, s, sff, e, eff = _of_border(at, ff)
    fx, xx = f.T @ at.h_z, at.h_z.T @ at.h_z
    weighted = ((f.T @ sparse.csr_array(f.multiply(ad[:, None]))).multiply(e)).sum()
    weighted += (in_traces * (at.h_z.T @ (ad[:, None] * at.h_z))).sum()
    trace_1 = ad.sum() - (e * ff).sum() - (in_traces * xx).sum()
    xm = xx @ in_traces
    through = (eff * eff.T).sum() + 2.0 * (fx.T @ e @ fx * in_traces).sum() + (xm * xm.T).sum()
    trace_11 = (ad**2).sum() - 2.0 * weighted + through
    hm = at.h_u @ in_traces
    across = (sff * s).sum(axis=1) - 2.0 * ((s @ fx) * hm).sum(axis=1) + ((hm @ xx) * hm).sum(axis=1)
    upu = t - hm @ at.h_u.T
    trace_k = trace_1 * own + np.diag(upu) @ tie
    mixed = np.outer(own, across @ tie)
    trace_kl = trace_11 * np.outer(own, own) + mixed + mixed.T + tie.T @ upu**2 @ tie
    v_u, v_x = f.T @ at.s_z, at.h_z.T @ at.s_z
    quadratic_11 = (ad * at.s_z**2).sum() - v_u @ e @ v_u - v_x @ m @ v_x
    mixed = np.outer(own, (at.s_u * (s @ v_u - at.h_u @ (m @ v_x))) @ tie)
    tied = at.s_u[:, None] * tie
    left = at.h_u.T @ tied
    quadratic_kl = quadratic_11 * np.outer(own, own) + mixed + mixed.T + tied.T @ t @ tied - left.T @ m @ left
    return trace_k, trace_kl, (at.s_z**2).sum() * own + at.s_u**2 @ tie, quadratic_kl


def _of_border(at: _At, ff: np.ndarray) -> tuple[np.ndarray, ...]:
    """T = U'V^-1 U, S = I - CE, SH, E and EH for H = `ff` (b, b); with g > 0, S = g^(-1/2) (I + ...)^-1 g^(1/2)."""
    root = np.sqrt(at.g)
    e = root[:, None] * at.inverse * root
    if (at.g > 0.0).all():
        solved = at.inverse @ (root[:, None] * ff)
        t = (np.eye(len(root)) - at.inverse) / np.outer(root, root)
        return t, at.inverse / root[:, None] * root, solved / root[:, None], e, root[:, None] * solved
    s = np.eye(len(root)) - at.c @ e
    return s @ at.c, s, s @ ff, e, e @ ff


@by_parameter.register
def _(design: Crossed, at: CrossedEvaluation) -> np.ndarray:
    own, tie = design.blocks.tie[0], design.border.tie
    found = []
    for one in at.each:
        of_border = np.einsum("bp,bq,bk->kpq", one.h_u, one.h_u, tie, optimize=True)
        found.append(of_border + own[:, None, None] * (one.h_z.T @ one.h_z))
    return np.stack(found)


def as_evaluation(design: Crossed, at: CrossedEvaluation) -> Evaluation:
    """One response's evaluation as those of a `Design` are, without `t` and `across`, which are large."""
    one = at.each[0]
    root, nothing = np.sqrt(one.g), np.empty(0)
    h = np.hstack([one.d[:, None] * design.zu.toarray(), one.h_z])[None, :, None]
    border = Border(nothing, one.h_u[None], one.s_u[None], nothing, (root[:, None] * one.inverse * root)[None])
    return Evaluation(at.criterion, nothing, h, one.s_z[None, :, None], at.m, at.beta, at.r2, border)
