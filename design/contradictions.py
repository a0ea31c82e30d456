"""Balances that cannot all be had: which factors share a limit because of it, and the numbers in words.

An even number of sources and evenly present sources are the classic: n = 2 to 7 in equal shares has each of eight
sources in 56 % of the runs. Whether levels can have even shares at once is a small linear programme over candidates.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linprog

from design.candidates import Candidates, row_numbers
from design.information import CHUNK
from study.core.columns import SOURCE

EVEN = 1e-6

Unit = tuple[int, ...]
"""Positions of factors that the study file balances under one name: all sources, or one other factor."""


def contradictions(candidates: Candidates, balance: Sequence[str]) -> list[str] | None:
    """What of `balance`, named as in the study file, cannot be had, alone or in pairs; None with too many candidates.

    Unbalances are shares of the runs, for designs of any size that may repeat runs: whole numbers, and levels that are
    exhausted, come on top.
    """
    if len(candidates) > CHUNK:
        return None
    positions = {name: candidates.positions([name]) for name in balance}
    alone = {name: least_unbalance(candidates, unit) for name, unit in positions.items()}
    sentences = [
        f"{name} cannot be balanced: its imbalance is at least {least:.1%} of the runs"
        for name, least in alone.items()
        if least > EVEN
    ]
    for first, second in itertools.combinations([name for name in balance if alone[name] <= EVEN], 2):
        both = least_unbalance(candidates, (*positions[first], *positions[second]))
        if both > EVEN:
            of_second = least_unbalance(candidates, positions[second], positions[first])
            of_first = least_unbalance(candidates, positions[first], positions[second])
            sentences.append(
                f"{first} and {second} cannot both be balanced: with {first} balanced, the imbalance of {second} is at "
                f"least {of_second:.1%} of the runs; with {second} balanced, that of {first} is at least "
                f"{of_first:.1%}; at best, both have an imbalance of {both:.1%}"
            )
    return sentences


def balance_groups(candidates: Candidates, balance: Sequence[int]) -> tuple[list[Unit], list[Unit]]:
    """The factors at the positions `balance` as units that can all be balanced at once, and groups that cannot.

    Within a group the largest unbalance counts. Factors of a group contradict each other, or one unit contradicts
    itself (sources, where no run may have few). With too many combinations for the programme, factors that are not
    crossed with all others form one group.
    """
    sources = tuple(p for p in balance if candidates.factors[p].name.startswith(SOURCE))
    units = list(dict.fromkeys(sources if p in sources else (p,) for p in balance))
    agreeing, entangled = _crossed(candidates, units)
    if not entangled:
        return agreeing, []
    every = tuple(sorted(itertools.chain(*entangled)))
    if len(_distinct(candidates, every)) > CHUNK:
        return agreeing, [every]
    alone = [unit for unit in entangled if len(unit) > 1 and least_unbalance(candidates, unit) > EVEN]
    others = [unit for unit in entangled if unit not in alone]
    groups = _merged(
        pair for pair in itertools.combinations(others, 2) if least_unbalance(candidates, sum(pair, ())) > EVEN
    )
    rest = [unit for unit in others if not any(set(unit) <= set(group) for group in groups)]
    if len(rest) > 2 and least_unbalance(candidates, sum(rest, ())) > EVEN:  # no pair is at fault, all together are
        groups, rest = [*groups, tuple(sorted(sum(rest, ())))], []
    return [unit for unit in units if unit in agreeing or unit in rest], [*groups, *alone]


def least_unbalance(candidates: Candidates, factors: Sequence[int], even: Sequence[int] = ()) -> float:
    """The least possible largest unbalance over `factors`, as a share of the runs, with those of `even` balanced."""
    columns = (*factors, *even)
    codes = _distinct(candidates, columns)
    shares = {f: (np.unique(of)[:, None] == of) * 1.0 for f, of in zip(columns, codes.T, strict=True)}
    n_runs, n_factors = len(codes), len(factors)
    # variables: each combination's share, then the largest and the smallest level share of each factor, then the bound
    above, equal, values = [], [np.r_[np.ones(n_runs), np.zeros(2 * n_factors + 1)]], [1.0]
    for number, factor in enumerate(factors):
        largest, smallest = n_runs + 2 * number, n_runs + 2 * number + 1
        for level in shares[factor]:
            for sign, column in ((1.0, largest), (-1.0, smallest)):
                row = np.r_[sign * level, np.zeros(2 * n_factors + 1)]
                row[column] = -sign
                above.append(row)
        row = np.zeros(n_runs + 2 * n_factors + 1)
        row[[largest, smallest, -1]] = 1.0, -1.0, -1.0
        above.append(row)
    for factor in even:
        for level in shares[factor][1:]:
            equal.append(np.r_[level - shares[factor][0], np.zeros(2 * n_factors + 1)])
            values.append(0.0)
    cost = np.r_[np.zeros(n_runs + 2 * n_factors), 1.0]
    solved = linprog(cost, np.array(above), np.zeros(len(above)), np.array(equal), values)
    return float(solved.fun) if solved.success else float("nan")


def _crossed(candidates: Candidates, units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """The units that are crossed with all others, so that nothing about the others limits them, and the rest."""
    crossed: list[Unit] = []
    entangled = list(units)
    for unit in units:
        others = tuple(itertools.chain(*(other for other in entangled if other != unit)))
        product = len(_distinct(candidates, unit)) * max(len(_distinct(candidates, others)), 1)
        if len(unit) == 1 and len(_distinct(candidates, (*unit, *others))) == product:
            crossed.append(unit)
            entangled.remove(unit)
    return crossed, entangled


def _distinct(candidates: Candidates, factors: Sequence[int]) -> np.ndarray:
    """The different combinations (n, n_factors) that the candidates have of these factors."""
    codes = candidates.codes[:, list(factors)]
    sizes = [len(candidates.factors[factor].levels) for factor in factors]
    return codes[np.unique(row_numbers(codes, sizes), return_index=True)[1]] if sizes else codes[:0]


def _merged(pairs: Iterator[tuple[Unit, Unit]]) -> list[Unit]:
    """Pairs that share a unit as one group, its positions sorted."""
    groups: list[set[int]] = []
    for one, other in pairs:
        joined = {*one, *other}.union(*(group for group in groups if group & {*one, *other}))
        groups = [group for group in groups if not group & joined] + [joined]
    return [tuple(sorted(group)) for group in groups]
