"""From a formula and the rows to what is fitted: response, fixed columns, random terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fitting.random_terms import RandomTerm
from analysis.results_table import ResultsTable
from study.core.coding import combination, n_star, r_star
from study.core.columns import NUISANCE
from study.core.factors import Level
from study.core.formula import Formula, RandomPart
from study.core.formula_names import Column, columns_of
from study.core.model_matrix import coded, group_levels, independent, model_matrix


@dataclass(frozen=True)
class Built:
    """A formula over n rows: `y` (n,), `fixed` (n, p), the random terms; what was left out, each with the reason.

    `used` (n_given,) are the rows given that have all values.
    """

    y: np.ndarray
    fixed: pd.DataFrame
    random: tuple[RandomTerm, ...]
    left_out: Mapping[str, str]
    used: np.ndarray


def model_rows(table: ResultsTable) -> pd.DataFrame:
    """The scores, with `r_star`, `n_star` and `combination` as far as the table gives them."""
    if table.roles:
        return table.scores.assign(combination=combination(table.scores))
    rows = table.scores.assign(r_star=r_star(table.scores["strategy"], table.known))
    if "n_sources" in rows:
        rows = rows.assign(n_star=n_star(rows["strategy"], rows["n_sources"], table.known))
    return rows.assign(combination=combination(rows)) if table.sources else rows


def known_columns(table: ResultsTable, factors: Mapping[str, Sequence[Level]]) -> dict[str, Column]:
    """The names that a formula over this table may use; `factors` are the levels of further factors, in their order."""
    present = list(map(str, model_rows(table)))
    nuisance = [name.removeprefix(NUISANCE) for name in present if name.startswith(NUISANCE)]
    known = columns_of(table.sources, factors, nuisance, table.known)
    return {name: column for name, column in known.items() if column.name in present}


def build(formula: Formula, rows: pd.DataFrame, columns: Mapping[str, Column], response: str = "z") -> Built:
    """Code a formula over `rows` (as `model_rows`), whose names are among `columns`; `response` is its column there.

    Left out are rows that lack a value and fixed columns that those before them determine, as lme4 leaves them out,
    and random columns that are zero. Raises `InputFaults` for the logarithm of a number that has none.
    """
    names = [*(one.name for one in formula.variables), *(name for part in formula.random for name in part.group)]
    used = list(dict.fromkeys([response, *(columns[name].name for name in names)]))
    known = rows[used].notna().all(axis=1)
    lacking = [name for name in used if rows[name].isna().any()]
    left_out = {f"{(~known).sum()} rows": f"without a value of {' or '.join(lacking)}"} if lacking else {}
    rows = rows[known]
    variables = {one: coded(one, columns[one.name], rows[columns[one.name].name]) for one in formula.variables}
    fixed, dependent = independent(model_matrix(formula.fixed, variables, len(rows)))
    varying = [model_matrix(part.terms, variables, len(rows)) for part in formula.random]
    random = tuple(
        _random_term(part, frame, rows, columns) for part, frame in zip(formula.random, varying, strict=True)
    )
    for frame, term in zip(varying, random, strict=True):
        gone = [name for name in frame if name not in term.columns]
        left_out |= {f"{name} by {term.group}": "zero in all rows" for name in gone}
    present = {name for frame in (fixed, *(term.columns for term in random)) for name in frame}
    alone = [name for of in variables.values() if of.is_factor and not of.contrasts() for name in of.columns]
    left_out |= {name: "the only level that occurs" for name in alone if name not in present}
    return Built(rows[response].to_numpy(dtype=float), fixed, random, left_out | dependent, known.to_numpy())


def _random_term(
    part: RandomPart, varying: pd.DataFrame, rows: pd.DataFrame, columns: Mapping[str, Column]
) -> RandomTerm:
    group = [columns[name].name for name in part.group]
    levels = group_levels(rows[group])
    varying = varying.loc[:, varying.any()]
    return RandomTerm(":".join(group), levels, varying, correlated=varying.shape[1] > 1)
