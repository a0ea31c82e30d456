"""Balances that cannot all be had, with the numbers.

An even number of sources and evenly present sources are the classic: n = 2 to 7 in equal shares has each of eight
sources in 56 % of the runs. Whether levels can have even shares at once is a small linear programme over candidates.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from design.candidates import Candidates
from design.information import CHUNK

EVEN = 1e-6


def contradictions(candidates: Candidates, balance: Sequence[str]) -> list[str] | None:
    """What of `balance`, named as in the study file, cannot be had, alone or in pairs; None with too many candidates.

    Unbalances are shares of the runs, for designs of any size that may repeat runs: whole numbers, and levels that are
    exhausted, come on top.
    """
    if len(candidates) > CHUNK:
        return None
    at = {name: candidates.positions([name]) for name in balance}
    alone = {name: _least_unbalance(candidates, of, ()) for name, of in at.items()}
    found = [
        f"{name} cannot be balanced: its unbalance is at least {least:.1%} of the runs"
        for name, least in alone.items()
        if least > EVEN
    ]
    for first, second in itertools.combinations([name for name in balance if alone[name] <= EVEN], 2):
        both = _least_unbalance(candidates, (*at[first], *at[second]), ())
        if both > EVEN:
            of_second = _least_unbalance(candidates, at[second], at[first])
            of_first = _least_unbalance(candidates, at[first], at[second])
            found.append(
                f"{first} and {second} cannot both be balanced: with {first} even, the unbalance of {second} is at "
                f"least {of_second:.1%} of the runs; with {second} even, that of {first} is at least {of_first:.1%}; "
                f"the least that both can have at once is {both:.1%}"
            )
    return found


def _least_unbalance(candidates: Candidates, factors: Sequence[int], even: Sequence[int]) -> float:
    """The least possible largest unbalance over `factors`, as a share of the runs, with those of `even` balanced."""
    shares = {
        f: (np.unique(candidates.codes[:, f])[:, None] == candidates.codes[:, f]) * 1.0 for f in (*factors, *even)
    }
    n_runs, n_factors = len(candidates), len(factors)
    # variables: each candidate's share, then the largest and the smallest level share of each factor, then the bound
    above, limits, equal, values = [], [], [np.r_[np.ones(n_runs), np.zeros(2 * n_factors + 1)]], [1.0]
    for number, factor in enumerate(factors):
        largest, smallest = n_runs + 2 * number, n_runs + 2 * number + 1
        for level in shares[factor]:
            for sign, column in ((1.0, largest), (-1.0, smallest)):
                row = np.r_[sign * level, np.zeros(2 * n_factors + 1)]
                row[column] = -sign
                above.append(row)
                limits.append(0.0)
        row = np.zeros(n_runs + 2 * n_factors + 1)
        row[[largest, smallest, -1]] = 1.0, -1.0, -1.0
        above.append(row)
        limits.append(0.0)
    for factor in even:
        for level in shares[factor][1:]:
            equal.append(np.r_[level - shares[factor][0], np.zeros(2 * n_factors + 1)])
            values.append(0.0)
    cost = np.r_[np.zeros(n_runs + 2 * n_factors), 1.0]
    solved = linprog(cost, np.array(above), limits, np.array(equal), values)
    return float(solved.fun) if solved.success else float("nan")
