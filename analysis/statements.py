"""What the models state, in families: each family is judged together, and what is in none is no statement."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.contrasts import mean_weights, strategies_at
from analysis.fitting.mixed_model import MixedFit
from analysis.simultaneous import Judging, simultaneous
from study.core.coding import is_intercept, is_single, n_star
from study.core.columns import FACTOR
from study.core.strategies import BUILT_IN, Strategies

PAIRS, SLOPES, SIZE = "strategies", "number of sources", "network size"
AT_MEAN = " at the mean number of sources"
NUMBERS = ("estimate", "se", "df", "t", "p", "p_adjusted", "p_holm", "adjustment", "ci_low", "ci_high")
COLUMNS = ("family", "effect", *NUMBERS)


def statements_of(
    fit: MixedFit, rows: pd.DataFrame, judging: Judging, strategies: Strategies = BUILT_IN
) -> pd.DataFrame:
    """The statements of a named model's fit to these rows: `family, effect` and `simultaneous` of each family.

    Pairs of strategies at n* = 0 and, as `A - B at the mean number of sources`, at `mean_n_star` are one family; the
    slopes on n* another; r* of the second model is one by itself; so are the terms of each further factor.
    """
    found = [
        simultaneous(fit, np.array(list(weights.values())), judging).assign(family=family, effect=list(weights))
        for family, weights in families_of(fit, rows, strategies)
    ]
    return pd.concat(found, ignore_index=True)[list(COLUMNS)] if found else pd.DataFrame(columns=list(COLUMNS))


def mean_n_star(rows: pd.DataFrame, strategies: Strategies = BUILT_IN) -> float:
    """The mean n* of multi-source rows; 0 where it is not known."""
    several = rows[~is_single(rows, strategies)]
    steps = n_star(several["strategy"], several["n_sources"], strategies) if "n_sources" in rows else np.empty(0)
    return float(steps.mean()) if len(steps) else 0.0


def pair_weights(
    fit: MixedFit, rows: pd.DataFrame, at: float, strategies: Strategies = BUILT_IN
) -> dict[str, np.ndarray]:
    """Contrasts (p,) of the means of two strategies at n* = `at`, the larger network less the smaller, by name."""
    names = strategies_at(fit, rows, at, strategies)
    means = mean_weights(fit, at, names)
    return {
        f"{names[later]} - {names[earlier]}": means[later] - means[earlier]
        for earlier, later in combinations(range(len(names)), 2)
    }


def families_of(
    fit: MixedFit, rows: pd.DataFrame, strategies: Strategies = BUILT_IN
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Each family of statements: its members' contrasts (p,) of the fixed terms, by name."""
    terms, own = fit.fixed_terms, np.eye(len(fit.fixed_terms))
    by_term = dict(zip(terms, own, strict=True))
    families: dict[str, dict[str, np.ndarray]] = {PAIRS: {}, SLOPES: {}, SIZE: {}}
    if any(map(is_intercept, terms)):
        families[PAIRS] = pair_weights(fit, rows, 0.0, strategies)
        if at := mean_n_star(rows, strategies):
            at_mean = pair_weights(fit, rows, at, strategies)
            families[PAIRS] |= {f"{name}{AT_MEAN}": weights for name, weights in at_mean.items()}
    for term, weights in by_term.items():
        if term.startswith("strategy[") and term.endswith("]:n_star"):
            families[SLOPES][term] = weights
        elif term == "r_star":
            families[SIZE][term] = weights
        elif term.startswith(FACTOR):
            families.setdefault(term.partition("[")[0].removesuffix("^2"), {})[term] = weights
    yield from ((family, members) for family, members in families.items() if members)
