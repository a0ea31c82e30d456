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

DEPENDENT = 1e-12
"""The eigenvalue of cross-products, beside the largest or the columns' lengths, that is none but for rounding."""

REFINEMENTS = 3
"""How often least squares is taken again of what it has left."""

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

    Least squares of W on Z gives `on_z` (J, q, b + p) and leaves `ww_rest`; that of X on all random columns gives
    `x_on_z` (J, q, p) and `x_on_u` (b, p), and leaves `xx_rest` (p, p). With them the likelihood is made of sums of
    squares, and of no difference of large numbers, however small the residual. `inverse` (J, q, q) and `inverse_rest`
    are generalised inverses of `zz` and `ww_rest`.
    """

    zz: np.ndarray
    zw: np.ndarray
    ww: np.ndarray
    n_rows: int
    blocks: Ties
    border: Ties
    on_z: np.ndarray
    ww_rest: np.ndarray
    x_on_z: np.ndarray
    x_on_u: np.ndarray
    xx_rest: np.ndarray
    inverse: np.ndarray
    inverse_rest: np.ndarray
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

    @property
    def lengths(self) -> np.ndarray:
        """The norm of Z S_k Z' of each parameter (K,), up to a factor of the correlations between columns."""
        squared = np.zeros(self.blocks.tie.shape[1])
        diagonals = np.einsum("jkk->jk", self.zz), np.diag(self.ww)[None, : self.border.n_columns]
        for ties, diagonal in zip((self.blocks, self.border), diagonals, strict=True):
            a, b = ties.entries
            squared = squared + (diagonal[:, a] * diagonal[:, b]).sum(axis=0) @ ties.tie
        return np.asarray(np.sqrt(np.where(squared > 0.0, squared, 1.0)))

    @cached_property
    def is_variance(self) -> np.ndarray:
        """Which parameters are variances (K,), the others being covariances."""
        return np.asarray(self.blocks.of_variances.any(axis=0) | self.border.of_variances.any(axis=0))


@dataclass(frozen=True)
class Response:
    """R responses over one design, by their least squares on all its columns: coefficients `on_z` (R, J, q), `on_u`
    (R, b) and `on_x` (R, p), the sum of squares that is left, `rest` (R,), and that of the response, `yy` (R,)."""

    on_z: np.ndarray
    on_u: np.ndarray
    on_x: np.ndarray
    rest: np.ndarray
    yy: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All of them."""
        return self.on_z, self.on_u, self.on_x, self.rest, self.yy

    def take(self, which: np.ndarray) -> Response:
        """The responses at the positions `which`."""
        return Response(*(array[which] for array in self.arrays))


Piece = tuple[np.ndarray, ...]
"""Z (n_j, q), W (n_j, b + p) and responses (n_j, R) of a block."""


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
    border = border or Ties.none(blocks)
    b = border.n_columns
    rows = [(_dense(zb), wb) for wb, zb in by_block(block, w, z)]
    zz, zw = (np.stack([left.T @ right for left, right in pairs]) for pairs in ([(r[0], r[0]) for r in rows], rows))
    inverse = np.linalg.pinv(zz, rcond=DEPENDENT, hermitian=True)
    none = np.empty((len(zz), zz.shape[1], 0))
    on_z, _, ww_rest = _least_squares([(zb, wb[:, :0], wb) for zb, wb in rows], inverse, none, np.empty((0, 0)))
    pieces = [(zb, wb[:, :b], wb[:, b:]) for zb, wb in rows]
    x_on_z, x_on_u, xx_rest = _least_squares(pieces, inverse, on_z[..., :b], _inverse(ww_rest[:b, :b], w[:, :b]))
    return Design(
        zz,
        zw,
        w.T @ w,
        len(w),
        blocks,
        border,
        on_z,
        ww_rest,
        x_on_z,
        x_on_u,
        xx_rest,
        inverse,
        _inverse(ww_rest, w),
        correlated,
        reml,
    )


def response_of(
    design: Design, y: np.ndarray, w: np.ndarray, z: np.ndarray | sparse.csr_array, block: np.ndarray
) -> Response:
    """Responses y (R, n) over the design of w, z and block."""
    return response_of_pieces(design, [(zb, wb, yb) for zb, wb, yb in by_block(block, z, w, y.T)])


def response_of_pieces(design: Design, pieces: Sequence[Piece]) -> Response:
    """The responses of a design's blocks, whatever stands for the blocks' rows with the same cross-products."""
    b = design.border.n_columns
    on_z, on_w, rest = _least_squares(pieces, design.inverse, design.on_z, design.inverse_rest)
    yy = np.sum([(y**2).sum(axis=0) for _, _, y in pieces], axis=0)
    return Response(np.moveaxis(on_z, 2, 0), on_w[:b].T, on_w[b:].T, np.diag(rest), yy)


def _least_squares(
    pieces: Sequence[Piece], inverse: np.ndarray, on_z: np.ndarray, inverse_rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of the responses on Z (J, q, R) and W (w, R), and the cross-products of what is left (R, R).

    Refined from the rows themselves, by which what is left has all its digits.
    """
    rest = [y for _, _, y in pieces]
    of_z, of_w = np.zeros((*inverse.shape[:2], rest[0].shape[1])), np.zeros((len(inverse_rest), rest[0].shape[1]))
    for _ in range(REFINEMENTS):
        zy = np.stack([z.T @ y for (z, _, _), y in zip(pieces, rest, strict=True)])
        wy = np.sum([w.T @ y for (_, w, _), y in zip(pieces, rest, strict=True)], axis=0)
        step_w = inverse_rest @ (wy - np.einsum("jqw,jqr->wr", on_z, zy))
        step_z = inverse @ zy - on_z @ step_w
        of_z, of_w = of_z + step_z, of_w + step_w
        rest = [y - z @ own - w @ step_w for (z, w, _), y, own in zip(pieces, rest, step_z, strict=True)]
    return of_z, of_w, np.sum([y.T @ y for y in rest], axis=0)


def _inverse(squares: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A generalised inverse of cross-products, as dependent as they are beside the length of the columns (n, m)."""
    length = np.linalg.norm(columns, axis=0)
    length = np.where(length > 0.0, length, 1.0)
    values, axes = np.linalg.eigh(squares / np.outer(length, length))
    kept = values > DEPENDENT
    return np.asarray((axes[:, kept] / values[kept]) @ axes[:, kept].T / np.outer(length, length))


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
