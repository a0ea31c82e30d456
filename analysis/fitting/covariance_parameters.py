"""Which entries of the random coefficients' covariance G are one parameter: G = sum_k phi_k S_k.

The entries (a, b) of G that may differ from zero are listed, each with S_e = (e_a e_b' + e_b e_a') / 2; S_k adds up
those that parameter k ties together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Ties:
    """The covariance of q random columns by K parameters.

    `tie` (q + C, K) has a 1 where column q's variance is parameter k, and below, for each of the C `pairs` of columns
    (C, 2), a 2 where their covariance is, since it stands in G twice.
    """

    tie: np.ndarray
    pairs: np.ndarray = field(default_factory=lambda: np.empty((0, 2), dtype=int))

    @staticmethod
    def none(beside: Ties) -> Ties:
        """Those of no columns, with as many parameters as others have."""
        return Ties(np.empty((0, beside.tie.shape[1])))

    @property
    def of_variances(self) -> np.ndarray:
        """The part of `tie` (q, K) for variances."""
        return self.tie[: self.n_columns]

    @property
    def n_columns(self) -> int:
        """q."""
        return len(self.tie) - len(self.pairs)

    @cached_property
    def entries(self) -> tuple[np.ndarray, np.ndarray]:
        """a and b of each entry (q + C,)."""
        own = np.arange(self.n_columns)
        return np.concatenate([own, self.pairs[:, 0]]), np.concatenate([own, self.pairs[:, 1]])

    def both(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows a and rows b of (..., q, m), for each entry (..., q + C, m)."""
        if not len(self.pairs):
            return rows, rows
        a, b = self.entries
        return rows[..., a, :], rows[..., b, :]

    def diagonal(self, matrices: np.ndarray) -> np.ndarray:
        """tr(X S_e) of symmetric X (..., q, q) for each entry (..., q + C)."""
        a, b = self.entries
        return matrices[..., a, b]

    def covariance(self, phi: np.ndarray) -> np.ndarray:
        """G (R, q, q) at phi (R, K)."""
        a, b = self.entries
        covariance = np.zeros((len(phi), self.n_columns, self.n_columns))
        covariance[:, a, b] = covariance[:, b, a] = phi @ (self.tie != 0.0).T
        return covariance

    def times_covariance(self, phi: np.ndarray, matrices: np.ndarray) -> np.ndarray:
        """G at phi (R, K) times matrices (J, q, m) or (R, J, q, m), as (R, J, q, m)."""
        if not len(self.pairs):
            return (phi @ self.tie.T)[:, None, :, None] * matrices
        return self.covariance(phi)[:, None] @ matrices


def products(rows: Ties, columns: Ties, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """tr(S_e X S_f Y') for each entry e of `rows` and f of `columns`, with X and Y (..., q_rows, q_columns)."""
    if not len(rows.pairs) and not len(columns.pairs):
        return x * y
    a, b = (index[:, None] for index in rows.entries)
    c, d = columns.entries
    first = x[..., a, c] * y[..., b, d] + x[..., b, d] * y[..., a, c]
    return (first + x[..., a, d] * y[..., b, c] + x[..., b, c] * y[..., a, d]) / 4.0


def sandwiches(rows: Ties, columns: Ties, s: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """s' S_e X S_f t for each entry e of `rows` and f of `columns`, with s (..., q_rows) and t (..., q_columns)."""
    if not len(rows.pairs) and not len(columns.pairs):
        return s[..., :, None] * x * t[..., None, :]
    a, b = rows.entries
    c, d = columns.entries
    s_a, s_b, t_c, t_d = s[..., a, None], s[..., b, None], t[..., None, c], t[..., None, d]
    a, b = a[:, None], b[:, None]
    with_b = s_b * (x[..., a, c] * t_d + x[..., a, d] * t_c)
    return (with_b + s_a * (x[..., b, c] * t_d + x[..., b, d] * t_c)) / 4.0
