"""Marginal means of a factor by the model of a formula, and their differences.

A mean is that of the model's predictions over a grid: each combination of the levels of the other factors counts the
same, and numbers are at their means over the rows fitted (Searle, Speed & Milliken 1980; `emmeans` in R).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product

import numpy as np
import pandas as pd

from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import MixedFit
from analysis.simultaneous import Judging, simultaneous
from study.core.errors import Fault, nearest, raise_all
from study.core.factors import Level
from study.core.formula import Formula, Variable
from study.core.formula_names import Column
from study.core.model_matrix import Coded, coded, model_matrix


def factors_of(formula: Formula, columns: Mapping[str, Column]) -> list[str]:
    """The factors among the fixed terms."""
    fixed = (one for term in formula.fixed.terms for one in term)
    return list(dict.fromkeys(one.name for one in fixed if _is_factor(one, columns)))


def require_factor(option: str, name: str, factors: list[str]) -> None:
    """Raise `InputFaults` about `option` if `name` is none of these factors."""
    expected = f"expected a factor among the fixed terms: {', '.join(factors) or 'there is none'}"
    raise_all([Fault("", option, name, expected, nearest(name, factors))] * (name not in factors))


def mean_weights(
    formula: Formula, rows: pd.DataFrame, columns: Mapping[str, Column], terms: tuple[str, ...], name: str
) -> dict[Level, np.ndarray | None]:
    """Weights (p,) of the fixed `terms` for the mean of each level of factor `name`, over the `rows` that were fitted;
    None where a combination of levels did not occur, so that its mean is not estimable."""
    fixed = list(dict.fromkeys(one for term in formula.fixed.terms for one in term))
    names = list(dict.fromkeys(one.name for one in fixed))
    grid_of: dict[str, list[Level]] = {}
    for one in names:
        values = rows[columns[one].name]
        is_factor = any(variable.name == one and _is_factor(variable, columns) for variable in fixed)
        grid_of[one] = _levels(values, columns[one]) if is_factor else [float(values.mean())]
    grid = pd.DataFrame(list(product(*grid_of.values())), columns=names, dtype=object)
    variables = {one: coded_beside(one, columns[one.name], rows, grid[one.name]) for one in fixed}
    matrix = model_matrix(formula.fixed, variables, len(grid))
    lost = matrix.drop(columns=list(terms)).any(axis=1).to_numpy()
    weights = matrix[list(terms)].to_numpy()
    found: dict[Level, np.ndarray | None] = {}
    for level in grid_of[name]:
        own = (grid[name] == level).to_numpy()
        found[level] = None if lost[own].any() else weights[own].mean(axis=0)
    return found


def coded_beside(variable: Variable, column: Column, rows: pd.DataFrame, values: pd.Series) -> Coded:
    """A variable of new rows, coded as in the fit to `rows`: with all levels that these have."""
    both = pd.concat([rows[column.name].astype(object), values.astype(object)])
    found = coded(variable, column, both, len(rows))
    return Coded({name: one[len(rows) :] for name, one in found.columns.items()}, found.is_factor)


def means_table(fit: MixedFit, weights: Mapping[Level, np.ndarray | None]) -> pd.DataFrame:
    """`level` and `contrast_tests` of each mean; no numbers for one that is not estimable."""
    known = {level: own for level, own in weights.items() if own is not None}
    tests = contrast_tests(fit, np.array(list(known.values())).reshape(-1, len(fit.fixed_terms)))
    return tests.set_index(pd.Index(list(known), name="level", dtype=object)).reindex(list(weights)).reset_index()


def pairs_table(fit: MixedFit, weights: Mapping[Level, np.ndarray | None], seed: int) -> pd.DataFrame:
    """`pair`, a later level less an earlier one, and `simultaneous` of all of them that are estimable."""
    known = [(level, own) for level, own in weights.items() if own is not None]
    differences = {f"{b} - {a}": later - earlier for (a, earlier), (b, later) in combinations(known, 2)}
    if not differences:
        return pd.DataFrame(columns=["pair"])
    found = simultaneous(fit, np.array(list(differences.values())), Judging(seed))
    return found.assign(pair=list(differences))[["pair", *found]]


def _is_factor(variable: Variable, columns: Mapping[str, Column]) -> bool:
    return variable.function == "factor" or not columns[variable.name].is_number


def _levels(values: pd.Series, column: Column) -> list[Level]:
    occurring = set(values.unique().tolist())
    return [level for level in column.levels or sorted(occurring) if level in occurring]
