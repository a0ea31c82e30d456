"""The columns that stand for the terms of a formula, coded as R's `model.matrix` codes them.

Chambers & Hastie 1992, p. 38: a factor is coded by treatment contrasts against its first level where the term without
it, or one that contains that, comes before; else by an indicator for each level. Levels are those that occur.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.core.coding import DETERMINED
from study.core.errors import Fault, raise_all
from study.core.factors import Level
from study.core.formula import Term, Terms, Variable
from study.core.formula_names import Column

INTERCEPT = "intercept"
LEAST_NORM = 1e-7
"""lme4's: a column of which less than this part is not in the span of those before it is left out."""


@dataclass(frozen=True)
class Coded:
    """A variable over the rows: `columns` by name, an indicator for each level of a factor, or the numbers."""

    columns: Mapping[str, np.ndarray]
    is_factor: bool

    def contrasts(self) -> Mapping[str, np.ndarray]:
        """The columns without the first level's, against which the others stand."""
        return dict(list(self.columns.items())[1:]) if self.is_factor else self.columns


def coded(variable: Variable, column: Column, values: pd.Series, n_fitted: int | None = None) -> Coded:
    """Code a variable; polynomials are orthogonal over the first `n_fitted` rows, without it over all.

    Raises `InputFaults` for the logarithm of a number that has none.
    """
    if column.is_number and variable.function != "factor":
        numbers = values.to_numpy(dtype=float)
        name = str(Variable(column.name, variable.function, variable.power)).replace("`", "")
        if variable.function == "log":
            raise_all([Fault("", name, float(numbers.min()), "expected numbers above 0")] * bool((numbers <= 0).any()))
            numbers = np.log(numbers)
        if variable.function == "poly":
            return Coded({name: _orthogonal(numbers, variable.power, numbers[:n_fitted])}, False)
        return Coded({name: numbers**variable.power}, False)
    levels = column.levels or sorted(values.unique().tolist())
    indicators = {f"{column.name}[{_shown(level)}]": (values == level).to_numpy(dtype=float) for level in levels}
    return Coded({name: one for name, one in indicators.items() if one.any()}, True)


def model_matrix(terms: Terms, variables: Mapping[Variable, Coded], n_rows: int) -> pd.DataFrame:
    """The columns (n_rows, p) of the terms, in R's order: in an interaction, the first factor's levels run fastest."""
    by_indicators = _by_indicators(terms, variables)
    columns: dict[str, np.ndarray] = {INTERCEPT: np.ones(n_rows)} if terms.intercept else {}
    for term in terms.terms:
        product: Mapping[str, np.ndarray] = {"": np.ones(n_rows)}
        for one in term:
            by_level = variables[one].columns if (term, one) in by_indicators else variables[one].contrasts()
            product = _products(product, by_level)
        columns.update(product)
    return pd.DataFrame(columns, index=range(n_rows))


def group_levels(columns: pd.DataFrame) -> np.ndarray:
    """The level of each row (n_rows,) of the grouping factor that columns make together."""
    return np.asarray(columns.astype(str).agg(":".join, axis=1), dtype=object)


def independent(columns: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The columns without those that the ones before them determine; why each of these is left out, as lme4 does."""
    basis = np.empty((len(columns), 0))
    left_out = {}
    for name, column in columns.items():
        values = column.to_numpy()
        rest = values - basis @ (basis.T @ values)
        rest -= basis @ (basis.T @ rest)
        norm = np.linalg.norm(rest)
        if not values.any():
            left_out[name] = "zero in all rows"
        elif norm <= LEAST_NORM * np.linalg.norm(values):
            left_out[name] = DETERMINED
        else:
            basis = np.column_stack([basis, rest / norm])
    return columns.drop(columns=list(left_out)), left_out


def _orthogonal(numbers: np.ndarray, degree: int, over: np.ndarray) -> np.ndarray:
    """R's `poly`: the column (n,) of that degree; over the numbers `over` it has length 1 and is orthogonal to those of
    lower degree. 0 with too few values there.
    """
    if len(np.unique(over)) <= degree:
        return np.zeros(len(numbers))
    mean, spread = over.mean(), np.abs(over - over.mean()).max()
    triangle = np.asarray(np.linalg.qr(np.vander((over - mean) / spread, degree + 1, increasing=True), mode="r"))
    last = np.linalg.solve(triangle, np.eye(degree + 1)[degree]) * np.sign(triangle[degree, degree])
    return np.asarray(np.vander((numbers - mean) / spread, degree + 1, increasing=True) @ last)


def _products(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    return {f"{one}:{other}".removeprefix(":"): left[one] * right[other] for other in right for one in left}


def _by_indicators(terms: Terms, variables: Mapping[Variable, Coded]) -> set[tuple[Term, Variable]]:
    """Which variables of which terms are coded by an indicator for each level."""
    found = set()
    for number, term in enumerate(terms.terms):
        for variable in term:
            rest = set(term) - {variable}
            if rest and not any(rest <= set(before) for before in terms.terms[:number]):
                found.add((term, variable))
    if not terms.intercept:  # the first factor stands for it
        factors = ((term, one) for term in terms.terms for one in term if variables[one].is_factor)
        found |= set(list(factors)[:1])
    return found


def _shown(level: Level) -> str:
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)
