"""Information: what a design tells a linear model of the main effects, and what one more run would add.

Columns are normalised: over equally used levels each has mean 0 and mean square 1, so that det(X'X)^(1/p) / n is at
most 1. A two-level factor is -1 and 1; k unordered levels are k - 1 Helmert columns; numbers in three or more levels
are a line and a parabola on their scale. The number of sources has no column: it is the sum of the sources.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from design.candidates import Candidates, Factor
from design.level_tables import LevelTables
from study.core.scales import scaled

RIDGE = 1e-3
"""Prior information of a thousandth of a run on each term, so that the first p runs have a gain."""

CHUNK = 2**16


def contrasts(factor: Factor) -> np.ndarray:
    """Normalised columns of a factor's levels (n_levels, n_terms)."""
    n = len(factor.levels)
    if factor.is_derived or n < 2:
        return np.zeros((n, 0))
    if factor.is_ordered:
        numbers = scaled(factor.levels, factor.levels)
        powers = np.vander(numbers - numbers.mean(), 3, increasing=True)
        columns = np.linalg.qr(powers)[0][:, 1:]
        columns *= np.sign(columns[-1])
    else:
        columns = np.vstack([np.full(n - 1, -1.0), np.diag(np.arange(1.0, n)) - np.triu(np.ones((n - 1, n - 1)), 1)])
    return columns / np.sqrt((columns**2).mean(axis=0))


def term_names(factors: tuple[Factor, ...]) -> list[str]:
    """A name a column, the intercept first."""
    names = ["intercept"]
    for factor in factors:
        shapes = ("linear", "quadratic") if factor.is_ordered else factor.levels[1:]
        n_terms = contrasts(factor).shape[1]
        names += [factor.name] if n_terms == 1 else [f"{factor.name}[{shape}]" for shape in shapes[:n_terms]]
    return names


def level_columns(factors: tuple[Factor, ...]) -> np.ndarray:
    """What each level puts in the model's columns (n_factors, n_levels, n_terms); a run's row is their sum.

    The intercept is put in by the first factor; levels beyond a factor's last are 0.
    """
    parts = [contrasts(factor) for factor in factors]
    ends = np.cumsum([1, *(part.shape[1] for part in parts)])
    table = np.zeros((len(factors), max(len(part) for part in parts), ends[-1]))
    table[0, :, 0] = 1
    for row, part in enumerate(parts):
        table[row, : len(part), ends[row] : ends[row + 1]] = part
    return table


def model_columns(factors: tuple[Factor, ...], codes: np.ndarray) -> np.ndarray:
    """The model matrix (n_runs, n_terms) of runs given as level numbers (n_runs, n_factors)."""
    return level_columns(factors)[np.arange(len(factors)), codes].sum(axis=1)


def log_efficiency(columns: np.ndarray) -> float:
    """log of det(X'X)^(1/p) / n for a model matrix (n_runs, n_terms), each term with the ridge's prior information."""
    n_runs, n_terms = columns.shape
    return float(np.linalg.slogdet(columns.T @ columns + RIDGE * np.eye(n_terms))[1] / n_terms - np.log(n_runs))


def moments(candidates: Candidates) -> np.ndarray:
    """Mean of x x' over all candidates (n_terms, n_terms)."""
    total = sum(
        columns.T @ columns
        for start in range(0, len(candidates), CHUNK)
        for columns in [model_columns(candidates.factors, candidates.codes[start : start + CHUNK])]
    )
    return np.asarray(total) / len(candidates)


class ModelColumns(Protocol):
    """The columns x of a model for all candidates; `prior` (n_terms,) is each term's information before any run."""

    prior: np.ndarray

    def of_row(self, row: int) -> np.ndarray:
        """x (n_terms,) of a candidate."""

    def linear_form(self, vector: np.ndarray) -> np.ndarray:
        """x'v of every candidate (n_candidates,)."""

    def quadratic_form(self, matrix: np.ndarray) -> np.ndarray:
        """x'Mx of every candidate (n_candidates,) for a symmetric positive matrix."""


class MainEffects:
    """The columns of the main effects, as sums over a run's levels: never written out."""

    def __init__(self, candidates: Candidates, tables: LevelTables) -> None:
        self._codes, self._tables = candidates.codes, tables
        self._columns = level_columns(candidates.factors)
        self._factors = np.arange(len(candidates.factors))
        self.prior = np.full(self._columns.shape[2], RIDGE)

    def of_row(self, row: int) -> np.ndarray:
        return np.asarray(self._columns[self._factors, self._codes[row]].sum(axis=0))

    def linear_form(self, vector: np.ndarray) -> np.ndarray:
        return self._tables.sum(self._columns @ vector)

    def quadratic_form(self, matrix: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        roots = vectors * np.sqrt(np.maximum(values, 0))
        return np.asarray(sum(self.linear_form(root) ** 2 for root in roots.T))


class WrittenOut:
    """The columns (n_candidates, n_terms) of any model, written out; candidates that share a row share its sums."""

    def __init__(self, columns: np.ndarray, prior: np.ndarray) -> None:
        self._rows, self._row_of = np.unique(columns, axis=0, return_inverse=True)
        self.prior = prior

    def of_row(self, row: int) -> np.ndarray:
        return np.asarray(self._rows[self._row_of[row]])

    def linear_form(self, vector: np.ndarray) -> np.ndarray:
        return (self._rows @ vector)[self._row_of]

    def quadratic_form(self, matrix: np.ndarray) -> np.ndarray:
        return np.einsum("ij,ij->i", self._rows @ matrix, self._rows)[self._row_of]


class Information:
    """(X'X)^-1 of a growing design and each candidate's gain x'(X'X)^-1 x, by rank-one updates (Sherman-Morrison).

    Taking a run multiplies det X'X by 1 + its gain. With `weight` W (n_terms, n_terms) it also keeps
    x'(X'X)^-1 W (X'X)^-1 x: taking a run lowers trace W (X'X)^-1 by that over 1 + gain.
    """

    def __init__(self, model: ModelColumns, start: np.ndarray, weight: np.ndarray | None = None) -> None:
        """`start` (n_runs, n_terms): the model's columns for what has run already."""
        self._model = model
        self._weight = weight
        self.drop: np.ndarray | None = None
        self._n_runs = len(start)
        self._information = start.T @ start + np.diag(model.prior)
        self._work_out()

    def take(self, row: int) -> None:
        """Add a candidate to the design."""
        x = self._model.of_row(row)
        self._information += np.outer(x, x)
        self._n_runs += 1
        if self._n_runs in (len(x), 2 * len(x)):
            self._work_out()
        else:
            self._update(x)

    def _work_out(self) -> None:
        """All anew; again after p and 2 p runs: large numbers of terms that only the ridge informs leave rounding."""
        self.inverse = np.linalg.inv(self._information)
        self.gain = self._model.quadratic_form(self.inverse)
        if self._weight is not None:
            self.drop = self._model.quadratic_form(self.inverse @ self._weight @ self.inverse)

    def _update(self, x: np.ndarray) -> None:
        direction = self.inverse @ x
        shrink = 1 / (1 + x @ direction)
        along = self._model.linear_form(direction)
        if self._weight is not None:
            weighted = self._weight @ direction
            across = self._model.linear_form(self.inverse @ weighted)
            self.drop += shrink * along * (shrink * (direction @ weighted) * along - 2 * across)
        self.inverse -= shrink * np.outer(direction, direction)
        along *= along
        along *= shrink
        self.gain -= along
