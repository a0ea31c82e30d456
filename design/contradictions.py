"""Balances that cannot all be had, with the numbers.

An even number of sources and evenly present sources are the classic: n = 2 to 7 in equal shares has each of eight
sources in 56 % of the runs. Whether levels can have even shares at once is a small linear programme over candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from design.candidates import Candidates
from design.information import CHUNK

EVEN = 1e-6


@dataclass(frozen=True)
class Contradiction:
    """Two factors (or the sources together) that cannot both be even. Numbers are unbalances, as shares of the runs."""

    first: str
    second: str
    second_where_first_is_even: float
    first_where_second_is_even: float
    least_of_both: float

    def __str__(self) -> str:
        return (
            f"{self.first} and {self.second} cannot both be balanced: with {self.first} even, the unbalance of "
            f"{self.second} is at least {self.second_where_first_is_even:.1%} of the runs; with {self.second} even, "
            f"that of {self.first} is at least {self.first_where_second_is_even:.1%}; the least that both can have at "
            f"once is {self.least_of_both:.1%}"
        )


def contradictions(candidates: Candidates, balance: Sequence[str]) -> list[Contradiction] | None:
    """The pairs of `balance`, named as in the study file, that exclude each other; None with too many candidates.

    Shares are of a design of any size with repeats allowed: exhausted levels, and whole numbers, come on top.
    """
    if len(candidates) > CHUNK:
        return None
    found = []
    for position, first in enumerate(balance):
        for second in balance[position + 1 :]:
            one, other = candidates.positions([first]), candidates.positions([second])
            both = _least_unbalance(candidates, (*one, *other), ())
            if both > EVEN:
                least = _least_unbalance(candidates, one, ()), _least_unbalance(candidates, other, ())
                if max(least) < both - EVEN:  # else one of them cannot be even by itself
                    found.append(Contradiction(
                        first, second, _least_unbalance(candidates, other, one),
                        _least_unbalance(candidates, one, other), both,
                    ))  # fmt: skip
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
