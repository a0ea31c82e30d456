"""What REML needs of the data: one matrix of cross-products a group, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from study.errors import Fault, InputFaults


@dataclass(frozen=True)
class Design:
    """A model's matrices as cross-products, for J groups, q random columns, p fixed columns, K variances.

    `zz` (J, q, q), `zx` (J, q, p), `xx` (J, p, p), `n_rows` (J,); `tie` (q, K) has a 1 where column q's variance is
    variance k: one to one for independent coefficients by group, several columns to one for a crossed factor's levels.
    """

    zz: np.ndarray
    zx: np.ndarray
    xx: np.ndarray
    n_rows: np.ndarray
    tie: np.ndarray

    @property
    def residual_df(self) -> int:
        """v = n - p."""
        return int(self.n_rows.sum()) - self.xx.shape[1]


@dataclass(frozen=True)
class Response:
    """R responses over one design, each less its least-squares fit or not: `zy` (R, J, q), `xy` (R, p), `yy` (R,)."""

    zy: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def take(self, which: np.ndarray) -> Response:
        """The responses at the positions `which`."""
        return Response(self.zy[which], self.xy[which], self.yy[which])


def design_of(x: np.ndarray, z: np.ndarray, group: np.ndarray, tie: np.ndarray) -> Design:
    """Cross-products of x (n, p) and z (n, q), with `group` (n,) integers from 0 to J - 1."""
    rows = rows_of(group)
    return Design(
        np.stack([z[k].T @ z[k] for k in rows]),
        np.stack([z[k].T @ x[k] for k in rows]),
        np.stack([x[k].T @ x[k] for k in rows]),
        np.array([len(k) for k in rows]),
        tie,
    )


def response_of(y: np.ndarray, x: np.ndarray, z: np.ndarray, group: np.ndarray) -> Response:
    """Cross-products of one response y (n,) as a batch of one."""
    zy = np.stack([z[k].T @ y[k] for k in rows_of(group)])
    return Response(zy[None], (x.T @ y)[None], np.array([y @ y]))


def rows_of(group: np.ndarray) -> list[np.ndarray]:
    """The row numbers of each group."""
    return [np.flatnonzero(group == j) for j in range(int(group.max()) + 1)]


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
