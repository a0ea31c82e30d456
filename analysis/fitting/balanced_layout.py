"""Whether the rows of a model are balanced, every unit on every group, and the closed form then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd

from analysis.fitting.balanced import Balanced
from analysis.fitting.random_terms import RandomTerm


def balanced_of(fixed: pd.DataFrame, random: Sequence[RandomTerm]) -> Balanced | None:
    """The closed form of a model, or None where its rows are not every unit on every group or it has other terms.

    Units are the levels of a term with an intercept for each, groups those of another term. Further terms may be of
    sets of units (of one such term the columns are indicators, one of them 1 throughout a set; others may have any), or
    intercepts of groups by the levels of a factor that are the same in all groups.
    """
    if any(term.correlated for term in random):
        return None
    codes = [pd.factorize(np.asarray(term.levels), sort=True)[0] for term in random]
    n_levels = [int(code.max()) + 1 for code in codes]
    for unit, group in permutations(range(len(random)), 2):
        if _is_intercept(random[unit]) and n_levels[group] * n_levels[unit] == len(fixed):
            order = np.full((n_levels[group], n_levels[unit]), -1)
            order[codes[group], codes[unit]] = np.arange(len(fixed))
            if (order >= 0).all() and (found := _crossed(fixed, random, codes, unit, order)):
                return found
    return None


def _crossed(
    fixed: pd.DataFrame, random: Sequence[RandomTerm], codes: Sequence[np.ndarray], unit: int, order: np.ndarray
) -> Balanced | None:
    """That of units crossed with groups, `order` (T, N) being the rows."""
    x, first = fixed.to_numpy(dtype=float), order[0]
    z: list[np.ndarray] = []
    tied: list[int] = []
    shared: list[tuple[int, np.ndarray]] = []
    sets = _sets_of_units(random, codes, unit, order)
    of_set, of_kind = np.arange(order.shape[1]), None
    ends = np.cumsum([term.n_parameters for term in random])
    n_parameters, of_unit = int(ends[-1]), int(ends[unit] - 1)
    for number, (term, code, end) in enumerate(zip(random, codes, ends, strict=True)):
        columns = term.columns.to_numpy(dtype=float)
        start, own = int(end) - term.n_parameters, columns[first]
        if not _same(columns, order):
            return None
        if number == unit:
            continue
        if (code[order] == code[order[:, :1]]).all():  # of groups, or of sets of them, which have no closed form
            if code.max() + 1 != len(order):
                return None
            z += list(own.T)
            tied += [start] * columns.shape[1] if term.tied else range(start, int(end))
        elif term.tied:
            return None
        elif _same(code, order) and number != sets:  # of sets of units, in the mean alone
            indicators = (code[first, None] == np.arange(code.max() + 1)) * np.sqrt(len(order))
            shared += [(start + k, one) for k, column in enumerate(own.T) for one in (indicators * column[:, None]).T]
        elif number == sets:
            kind = own.argmax(axis=1)
            kinds = np.unique(np.column_stack([code[first], kind]), axis=0)
            if len(kinds) != code.max() + 1 or not (np.sort(own)[:, -1] == own.sum(axis=1)).all():
                return None
            if not (own.sum(axis=1) == 1.0).all():
                return None
            of_set, of_kind = code[first], start + kinds[:, 1]
        elif _is_intercept(term):  # of groups by the levels of a factor
            levels, level = np.unique(code[order].T, axis=0, return_inverse=True)
            if levels.size != code.max() + 1:
                return None
            z += list(np.eye(len(levels))[level.ravel()].T)
            tied += [start] * len(levels)
        else:
            return None
    if not _same(x, order):
        return None
    every = np.array([*z, *(column for _, column in shared)]).reshape(-1, order.shape[1]).T
    tie = np.eye(n_parameters)[[*tied, *(parameter for parameter, _ in shared)]].reshape(-1, n_parameters)
    return replace(_strata(every, x[first], tie, of_set, of_kind, of_unit, order), n_varying=len(z))


def _sets_of_units(random: Sequence[RandomTerm], codes: Sequence[np.ndarray], unit: int, order: np.ndarray) -> int:
    """Which term is of sets of units, the smallest sets where several are; -1 if none is."""
    of_sets = [k for k, code in enumerate(codes) if k != unit and _same(code, order)]
    return max(of_sets, key=lambda k: int(codes[k].max()), default=-1)


def _strata(
    z: np.ndarray,
    x: np.ndarray,
    tie: np.ndarray,
    of_set: np.ndarray,
    of_kind: np.ndarray | None,
    of_unit: int,
    order: np.ndarray,
) -> Balanced:
    """With a stratum within sets and one between the sets of each size and kind, its parameter; `of_set` (N,)."""
    n_groups, n_units = order.shape
    columns = np.hstack([z, np.sqrt(n_groups) * x])
    load = np.zeros((1, tie.shape[1]))
    load[0, of_unit] = n_groups
    if of_kind is None:
        nothing = np.empty((n_units, 0))
        whole = (columns.T @ columns)[None]
        return Balanced(
            whole, np.array([float(n_units)]), tie, load, columns, nothing, np.empty(0, dtype=int), order, len(tie)
        )
    size = np.bincount(of_set)
    kinds, stratum = np.unique(np.column_stack([of_kind, size]), axis=0, return_inverse=True)
    load = np.repeat(load, 1 + len(kinds), axis=0)
    load[1 + np.arange(len(kinds)), kinds[:, 0]] = n_groups * kinds[:, 1]
    sets = (of_set[:, None] == np.arange(len(size))) / np.sqrt(size)
    of_sets, stratum = sets.T @ columns, 1 + stratum.ravel()
    between = [of_sets[stratum == one].T @ of_sets[stratum == one] for one in 1 + np.arange(len(kinds))]
    products = np.stack([columns.T @ columns - of_sets.T @ of_sets, *between])
    sizes = np.array([n_units - len(size), *np.bincount(stratum)[1:]], dtype=float)
    return Balanced(products, sizes, tie, load, columns, sets, stratum, order, len(tie))


def _is_intercept(term: RandomTerm) -> bool:
    columns = term.columns.to_numpy()
    return columns.shape[1] == 1 and bool((columns == 1.0).all())


def _same(values: np.ndarray, order: np.ndarray) -> bool:
    """Whether the values of a unit (n_rows, ...) are the same in all groups."""
    return bool((values[order] == values[order[0]]).all())
