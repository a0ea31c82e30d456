"""What a fit would be without a unit's rows, its variances as they are: deleted residuals and changes of the estimates.

With A = [Z G^(1/2), X] and C = (A'A + D)^-1, D being 1 on the random columns and 0 on the fixed (Henderson 1975),
P_II = I - A_I C A_I' of a unit's rows I. Its deleted residual, y_I less what the other rows predict, is
P_II^-1 (Py)_I with the covariance sigma^2 P_II^-1 (Haslett and Dillane 2004), and without it the estimates change by
-C A_I' P_II^-1 (Py)_I.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse, stats

from analysis.fitting.mixed_model import MixedFit
from analysis.fitting.random_layout import Layout

MOST_NUMBERS = 2e7
"""Of rows times columns, up to which deletions are worked out."""
KNOWN = 1e-9
"""The share of a row's variance below which the other rows determine nothing about it."""


@dataclass(frozen=True)
class Deletions:
    """Of each unit (U,): its name, `statistic` = F of its deleted residual over `df` dimensions (NaN where the other
    rows predict nothing), `p` by itself, `shift_p` of one shift of all its rows, and `change` (U, p) of the fixed
    estimates without it."""

    units: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    p: np.ndarray
    shift_p: np.ndarray
    change: np.ndarray


def deletions(fit: MixedFit, units: np.ndarray) -> Deletions | None:
    """Every unit of rows (n,) left out in turn; None of a fit too large for it."""
    n_columns = len(fit.fixed_terms) + sum(position.size for position in fit.layout.position)
    if fit.n_rows * n_columns > MOST_NUMBERS:
        return None
    columns = _columns(fit)
    n_fixed, y = len(fit.fixed_terms), fit.y - fit.fixed.to_numpy(dtype=float) @ fit.estimate
    penalty = np.ones(columns.shape[1])
    penalty[-n_fixed:] = 0.0
    spread = columns @ np.linalg.inv((columns.T @ columns).toarray() + np.diag(penalty))
    rest, dense = y - spread @ (columns.T @ y), columns.toarray()
    codes, names = pd.factorize(np.asarray(units), sort=True)
    size = np.bincount(codes)
    ordered = np.split(np.argsort(codes, kind="stable"), np.cumsum(size)[:-1])
    square, of_shift, df = np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names), dtype=int)
    change = np.zeros((len(names), n_fixed))
    for n_own in np.unique(size):
        which = np.flatnonzero(size == n_own)
        rows = np.array([ordered[unit] for unit in which])
        values, axes = np.linalg.eigh(np.eye(n_own) - spread[rows] @ dense[rows].mT)
        kept = values > KNOWN
        along = np.where(kept, np.einsum("uij,ui->uj", axes, rest[rows]), 0.0)
        deleted = along / np.where(kept, values, 1.0)
        information = (axes.sum(axis=1) ** 2 * np.where(kept, values, 0.0)).sum(axis=1)  # 1'P 1
        of_shift[which] = rest[rows].sum(axis=1) ** 2 / np.where(information > KNOWN, information, np.inf)
        square[which], df[which] = (along * deleted).sum(axis=1), kept.sum(axis=1)
        change[which] = -np.einsum("uip,uij,uj->up", spread[rows][..., -n_fixed:], axes, deleted, optimize=True)
    whole, v = float(rest @ y), fit.design.residual_df
    statistic, p = _external(square, whole, df, v)
    _, shift_p = _external(of_shift, whole, np.minimum(df, 1), v)
    return Deletions(np.asarray(names), statistic, df, p, shift_p, change)


def _external(square: np.ndarray, whole: float, df: np.ndarray, v: int) -> tuple[np.ndarray, np.ndarray]:
    """F (U,) of sums of squares over `df` (U,) against what they leave of the `whole` over v, and its p."""
    known = (df > 0) & (v > df)
    left = np.where(known, np.maximum(whole - square, np.finfo(float).tiny) / np.maximum(v - df, 1), np.nan)
    statistic = square / np.maximum(df, 1) / left
    return statistic, np.where(known, stats.f.sf(statistic, np.maximum(df, 1), np.maximum(v - df, 1)), np.nan)


def _columns(fit: MixedFit) -> sparse.csr_array:
    """A (n, m): random columns times a root of their relative covariance, then the fixed columns."""
    layout: Layout = fit.layout
    parts = []
    for term, codes, levels, covariance in zip(
        fit.random, layout.codes, layout.levels, fit.relative_covariance, strict=True
    ):
        values, axes = np.linalg.eigh(covariance)
        root = (axes * np.sqrt(np.maximum(values, 0.0)))[:, values > 0.0]
        own = term.columns.to_numpy(dtype=float) @ root
        for column in own.T:
            shape = (fit.n_rows, len(levels))
            parts.append(sparse.csr_array((column, (np.arange(fit.n_rows), codes)), shape=shape))
    return sparse.csr_array(sparse.hstack([*parts, sparse.csr_array(fit.fixed.to_numpy(dtype=float))]))
