"""The terms of a table of any field: main effects and the two-way interactions that its rows can bear.

Which terms enter follows from the rows' shape and never from their scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from study.core.coding import DETERMINED, Coding, factor_columns
from study.core.columns import factor_column
from study.core.factors import Level
from study.core.scales import Levels, scale_of

INTERCEPT = "intercept"
UNITS_PER_TERM = 2
"""An interaction enters where there are at least so many units for each fixed term, its own included."""
NOT_BORNE = "not every combination of their levels occurs, or there are fewer than two units for each fixed term"
SAME = 1e-9
"""A column of which less than this share of its length is its own is determined by those before it."""


def treatment_coding(rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]]) -> Coding:
    """An intercept, treatments as `factor_columns` has them, centred, and products of these as interactions.

    Every other term is thus at the average of the treatments. A term that those before it determine is left out; an
    interaction is left out as a whole.
    """
    main = factor_columns(rows, factors)
    units = rows[["run_id", *(factor_column(name) for name in factors)]].drop_duplicates().index
    basis = _Basis().with_column(np.ones(len(rows)))
    columns, left_out = {INTERCEPT: np.ones(len(rows))}, dict(main.left_out)
    of_factor: dict[str, list[str]] = {name: [] for name in factors}
    for name in factors:
        for term in terms_of(name, map(str, main.columns)):
            centred = main.columns[term].to_numpy() - main.columns[term].mean()
            wider = basis.with_column(centred)
            if wider is basis:
                left_out[term] = DETERMINED
                continue
            basis, columns[term] = wider, centred
            of_factor[name].append(term)
    pairs = [(a, b) for a, b in combinations(factors, 2) if of_factor[a] and of_factor[b]]
    for a, b in sorted(pairs, key=lambda pair: len(of_factor[pair[0]]) * len(of_factor[pair[1]])):
        products = {f"{x}:{y}": columns[x] * columns[y] for x in of_factor[a] for y in of_factor[b]}
        wider = basis
        for product in products.values():
            wider = wider.with_column(product)
        n_terms = len(columns) + len(products)
        if wider.rank == basis.rank + len(products) and UNITS_PER_TERM * n_terms <= len(units):
            basis, columns = wider, columns | products
        else:
            left_out[f"{factor_column(a)}:{factor_column(b)}"] = NOT_BORNE
    return Coding(pd.DataFrame(columns, index=rows.index), (INTERCEPT,), left_out, main.units)


def occurring(factors: Mapping[str, Sequence[Level]], rows: pd.DataFrame) -> Mapping[str, Levels]:
    """The levels that occur in these rows, on their scales."""
    return {
        name: Levels([level for level in levels if (rows[factor_column(name)] == level).any()], scale_of(levels))
        for name, levels in factors.items()
    }


def terms_of(factor: str, terms: Iterable[str]) -> list[str]:
    """The terms of a factor among others: the number, its curvature, or its levels."""
    own = factor_column(factor)
    return [
        term
        for term in terms
        if term in (own, f"{own}^2") or (term.startswith(f"{own}[") and term.endswith("]") and ":factor." not in term)
    ]


def interactions_of(terms: Iterable[str], factors: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """The terms of each interaction of two factors, by the factors."""
    every = list(terms)
    main = {name: terms_of(name, every) for name in factors}
    found = {}
    for a, b in combinations(main, 2):
        own = [term for x in main[a] for y in main[b] if (term := f"{x}:{y}") in every]
        if own:
            found[a, b] = own
    return found


@dataclass(frozen=True)
class _Basis:
    """An orthonormal basis of columns so far."""

    vectors: tuple[np.ndarray, ...] = ()

    @property
    def rank(self) -> int:
        return len(self.vectors)

    def with_column(self, column: np.ndarray) -> _Basis:
        """With one column more; itself where it determines the column."""
        length = np.linalg.norm(column)
        rest = column
        for _ in range(2):  # twice is enough (Kahan; Parlett 1980)
            if self.vectors:
                q = np.array(self.vectors)
                rest = rest - q.T @ (q @ rest)
        own = np.linalg.norm(rest)
        return _Basis((*self.vectors, rest / own)) if own > SAME * length else self
