"""What restricted likelihood needs of the data: one matrix of cross-products a block, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from study.errors import Fault, InputFaults


@dataclass(frozen=True)
class Design:
    """A model's matrices as cross-products, for J blocks, q random columns, p fixed columns, K parameters phi.

    `zz` (J, q, q), `zx` (J, q, p), `xx` (J, p, p), `n_rows` (J,). phi are variances and covariances of the random
    coefficients over the residual variance, the same in all blocks: `tie` (q + C, K) has a 1 where column q's variance
    is parameter k, and below, for each of the C `pairs` of columns (C, 2), a 2 where their covariance is. `correlated`
    has a symmetric matrix for each set of correlated coefficients: which parameter each entry of their covariance is.
    `reml`, or else maximum likelihood.
    """

    zz: np.ndarray
    zx: np.ndarray
    xx: np.ndarray
    n_rows: np.ndarray
    tie: np.ndarray
    pairs: np.ndarray
    correlated: tuple[np.ndarray, ...] = ()
    reml: bool = True

    @property
    def residual_df(self) -> int:
        """v, by which y'Py is divided: n - p, or n for maximum likelihood."""
        return int(self.n_rows.sum()) - (self.xx.shape[1] if self.reml else 0)

    @cached_property
    def entries(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns (q + C,) of the entries of the coefficients' covariance that `tie` ties."""
        own = np.arange(self.zz.shape[1])
        return np.concatenate([own, self.pairs[:, 0]]), np.concatenate([own, self.pairs[:, 1]])

    @cached_property
    def is_variance(self) -> np.ndarray:
        """Which parameters are variances (K,), the others being covariances."""
        return self.tie[: self.zz.shape[1]].any(axis=0)


@dataclass(frozen=True)
class Response:
    """R responses over one design, each less its least-squares fit or not: `zy` (R, J, q), `xy` (R, p), `yy` (R,)."""

    zy: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def take(self, which: np.ndarray) -> Response:
        """The responses at the positions `which`."""
        return Response(self.zy[which], self.xy[which], self.yy[which])


def design_of(
    x: np.ndarray,
    z: np.ndarray | sparse.csr_array,
    block: np.ndarray,
    tie: np.ndarray,
    pairs: np.ndarray | None = None,
    correlated: tuple[np.ndarray, ...] = (),
    reml: bool = True,
) -> Design:
    """Cross-products of x (n, p) and z (n, q), with `block` (n,) integers from 0 to J - 1."""
    parts = list(_by_block(block, x, z))
    return Design(
        np.stack([_dense(zb.T @ zb) for _, zb in parts]),
        np.stack([zb.T @ xb for xb, zb in parts]),
        np.stack([xb.T @ xb for xb, _ in parts]),
        np.array([len(xb) for xb, _ in parts]),
        tie,
        np.empty((0, 2), dtype=int) if pairs is None else pairs,
        correlated,
        reml,
    )


def response_of(y: np.ndarray, x: np.ndarray, z: np.ndarray | sparse.csr_array, block: np.ndarray) -> Response:
    """Cross-products of one response y (n,) as a batch of one."""
    zy = np.stack([zb.T @ yb for yb, zb in _by_block(block, y, z)])
    return Response(zy[None], (x.T @ y)[None], np.array([y @ y]))


def require_full_rank(x: np.ndarray, terms: Sequence[str]) -> None:
    """Raise `InputFaults` naming each column of x (n, p) that is a linear combination of the columns before it."""
    faults = []
    if len(x) <= x.shape[1]:
        faults.append(Fault("", "rows", len(x), f"expected more rows than the {x.shape[1]} fixed terms"))
    else:
        length = np.linalg.norm(x, axis=0)
        diagonal = np.abs(np.diag(np.linalg.qr(x / np.where(length > 0, length, 1.0), mode="r")))
        faults = [
            Fault("", "fixed terms", term, "a linear combination of the terms before it in these rows")
            for term, size in zip(terms, diagonal, strict=True)
            if size < 1e-9
        ]
    if faults:
        raise InputFaults(faults)


def _by_block(block: np.ndarray, *arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The rows of each block."""
    order = np.argsort(block, kind="stable")
    ends = np.cumsum(np.bincount(block))
    ordered = [array[order] for array in arrays]
    for first, last in zip([0, *ends[:-1]], ends, strict=True):
        yield tuple(array[first:last] for array in ordered)


def _dense(matrix: np.ndarray | sparse.sparray) -> np.ndarray:
    return matrix.toarray() if sparse.issparse(matrix) else matrix
