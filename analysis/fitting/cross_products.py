"""What restricted likelihood needs of the data: one matrix of cross-products a block, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from analysis.fitting.covariance_parameters import Ties
from study.core.errors import Fault, InputFaults

CLEARLY_FULL_RANK = 1e-8
"""The smallest eigenvalue of columns' correlations from which no rounding hides that they are dependent."""


@dataclass(frozen=True)
class Design:
    """A model's matrices as cross-products: J blocks of q random columns Z, a border of b random columns U that cross
    the blocks, p fixed columns X; W = [U X].

    `zz` (J, q, q), `zw` (J, q, b + p), `ww` (b + p, b + p), `n_rows`. Parameters phi (K,) are variances and covariances
    of the random coefficients over the residual variance, tied by `blocks`, the same in all blocks, and by `border`.
    `correlated` has a symmetric matrix for each set of correlated coefficients: which parameter each entry of their
    covariance is. `reml`, or else maximum likelihood.
    """

    zz: np.ndarray
    zw: np.ndarray
    ww: np.ndarray
    n_rows: int
    blocks: Ties
    border: Ties
    correlated: tuple[np.ndarray, ...] = ()
    reml: bool = True

    @property
    def n_fixed(self) -> int:
        """p."""
        return len(self.ww) - self.border.n_columns

    @property
    def largest(self) -> np.ndarray:
        """The largest sum of squares of a block's columns, or of the border's, that each variance stands for (K,)."""
        in_blocks = np.einsum("jkk->jk", self.zz).max(axis=0) @ self.blocks.of_variances
        return np.asarray(in_blocks + np.diag(self.ww)[: self.border.n_columns] @ self.border.of_variances)

    @property
    def residual_df(self) -> int:
        """v, by which y'Py is divided: n - p, or n for maximum likelihood."""
        return self.n_rows - (self.n_fixed if self.reml else 0)

    @cached_property
    def is_variance(self) -> np.ndarray:
        """Which parameters are variances (K,), the others being covariances."""
        return np.asarray(self.blocks.of_variances.any(axis=0) | self.border.of_variances.any(axis=0))


@dataclass(frozen=True)
class Response:
    """R responses over one design, less their least-squares fits or not: `zy` (R, J, q), `wy` (R, b + p), `yy` (R,)."""

    zy: np.ndarray
    wy: np.ndarray
    yy: np.ndarray

    def take(self, which: np.ndarray) -> Response:
        """The responses at the positions `which`."""
        return Response(self.zy[which], self.wy[which], self.yy[which])


def design_of(
    w: np.ndarray,
    z: np.ndarray | sparse.csr_array,
    block: np.ndarray,
    blocks: Ties,
    border: Ties | None = None,
    correlated: tuple[np.ndarray, ...] = (),
    reml: bool = True,
) -> Design:
    """Cross-products of w (n, b + p) and z (n, q), with `block` (n,) integers from 0 to J - 1."""
    parts = [(_dense(zb.T @ zb), zb.T @ wb) for wb, zb in by_block(block, w, z)]
    zz, zw = (np.stack(arrays) for arrays in zip(*parts, strict=True))
    return Design(zz, zw, w.T @ w, len(w), blocks, border or Ties.none(blocks), correlated, reml)


def response_of(y: np.ndarray, w: np.ndarray, z: np.ndarray | sparse.csr_array, block: np.ndarray) -> Response:
    """Cross-products of one response y (n,) as a batch of one."""
    zy = np.stack([zb.T @ yb for yb, zb in by_block(block, y, z)])
    return Response(zy[None], (w.T @ y)[None], np.array([y @ y]))


def by_block(block: np.ndarray, *arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The rows of each block."""
    ends = np.cumsum(np.bincount(block))
    in_order = (block[1:] >= block[:-1]).all()
    order = slice(None) if in_order else np.argsort(block, kind="stable")
    ordered = [array[order] for array in arrays]
    for first, last in zip([0, *ends[:-1]], ends, strict=True):
        yield tuple(array[first:last] for array in ordered)


def require_full_rank(x: np.ndarray, terms: Sequence[str]) -> None:
    """Raise `InputFaults` naming each column of x (n, p) that is a linear combination of the columns before it."""
    faults = []
    if len(x) <= x.shape[1]:
        faults.append(Fault("", "rows", len(x), f"expected more rows than the {x.shape[1]} fixed terms"))
    else:
        squared = x.T @ x
        length = np.sqrt(np.diag(squared))
        if (length > 0.0).all() and np.linalg.eigvalsh(squared / np.outer(length, length))[0] > CLEARLY_FULL_RANK:
            return
        diagonal = np.abs(np.diag(np.linalg.qr(x / np.where(length > 0, length, 1.0), mode="r")))
        faults = [
            Fault("", "fixed terms", term, "a linear combination of the terms before it in these rows")
            for term, size in zip(terms, diagonal, strict=True)
            if size < 1e-9
        ]
    if faults:
        raise InputFaults(faults)


def _dense(matrix: Any) -> np.ndarray:
    return matrix.toarray() if sparse.issparse(matrix) else matrix
