"""Which combination of strategy and sources would serve a target best, among those that were run and those never run.

Each target by itself, without single-source runs: the first model's fixed part (strategies, their slopes on n*,
further factors) and, as in the components, a random intercept for each source's presence. A slope on n* is what an
average source adds, a source's effect how it differs from the average, shrunk towards it; sources add up and do not
interact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts import mean_weights, strategies_of
from analysis.fitting.conditional import modes, predict
from analysis.fitting.inference import LEVEL
from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from analysis.fitting.random_terms import intercepts_by
from analysis.results_table import ResultsTable
from study.core.coding import first_model
from study.core.columns import factor_column, source_column
from study.core.errors import InputFaults
from study.core.factors import Level

BEST_SHOWN = 3
FEWEST_LEFT = 10
"""Rows of a target that are needed beside fixed terms and sources: with fewer the residual may be next to nothing."""


@dataclass(frozen=True)
class Predictions:
    """`best` has a row for each of the best few combinations of each target and number of sources.

    `target, n_sources, rank, strategy, sources, n_runs, n_candidates`: how many runs there were of it, and of how many
    combinations it is the best; `z`, its expected standardised score, `se`, and `low, high` its interval, which holds
    for all n_candidates at once (Bonferroni, 95 %), and so for the one that was picked for being high; `run_low,
    run_high` that of a single further run, whose residual is in it; `score, score_low, score_high` are z, low and high
    in the target's metric. All given the variances. `why_not` names the targets that have none.
    """

    best: pd.DataFrame
    why_not: Mapping[str, str]


def predictions(table: ResultsTable, factors: Mapping[str, Sequence[Level]]) -> Predictions:
    """The best combinations of each target, for frozen representations, in numbers of sources that the strategy had."""
    table = table.frozen
    factors = {name: levels for name, levels in factors.items() if factor_column(name) in table.scores}
    if not table.sources:
        return Predictions(pd.DataFrame(), {"every target": "the table does not say which sources a run had"})
    several = table.scores[~table.is_single]
    found, why_not = [pd.DataFrame()], {}
    for target in table.targets:
        try:
            best = _best(several[several["target"] == target], table, factors)
        except (NotCertified, InputFaults) as reason:
            why_not[target] = str(reason)
            continue
        mean, sd = table.moments.loc[target, "mean"], table.moments.loc[target, "sd"]
        own_metric = {"score": best["z"], "score_low": best["low"], "score_high": best["high"]}
        best = best.assign(**{name: mean + sd * z for name, z in own_metric.items()})
        best.insert(0, "target", target)
        found.append(best)
    return Predictions(pd.concat(found, ignore_index=True), why_not)


def best_sets(effect: np.ndarray, n: int, most: int) -> list[tuple[int, ...]]:
    """The sets of n positions of `effect` (K,) with the largest sums: `most` of them, or all that there are.

    Positions whose effect is zero are alike: of sets that differ in these alone one is listed. None reaches below the
    2n + most - 1 largest: each of those it passed over that is no zero, in its least one's place, makes a better set.
    """
    order = np.argsort(-effect, kind="stable")
    order = order[~np.isin(order, order[effect[order] == 0.0][n:])][: 2 * n + most - 1]
    sets: dict[tuple[int, ...], tuple[int, ...]] = {}
    for one in sorted(combinations(order.tolist(), n), key=lambda one: -effect[list(one)].sum()):
        sets.setdefault(tuple(k for k in one if effect[k]), one)
    return list(sets.values())[:most]


def _best(rows: pd.DataFrame, table: ResultsTable, factors: Mapping[str, Sequence[Level]]) -> pd.DataFrame:
    sources = table.sources
    present = rows[[source_column(name) for name in sources]].to_numpy(dtype=bool)
    always = present.all(axis=0)
    varying = np.flatnonzero(present.any(axis=0) & ~always)
    if not len(varying):
        raise NotCertified("no source varies among its multi-source runs")
    fixed_columns = first_model(rows, factors, table.known).columns
    n_left = len(rows) - fixed_columns.shape[1] - len(varying)
    if n_left < FEWEST_LEFT:
        raise NotCertified(
            f"{len(rows)} multi-source runs are too few for {fixed_columns.shape[1]} fixed terms and {len(varying)} "
            f"sources; at least {FEWEST_LEFT} more runs than terms and sources are needed"
        )
    random = [intercepts_by(source_column(sources[int(k)]), present[:, k]) for k in varying]
    fit = fit_mixed(rows["z"].to_numpy(), fixed_columns, random)
    without, with_it = modes(fit)["mode"].to_numpy().reshape(-1, 2).T
    effect, strategies = with_it - without, strategies_of(fit)
    alike = np.zeros(len(sources), dtype=bool)
    alike[varying[effect == 0.0]] = True

    strategy_of, n_of = rows["strategy"].to_numpy(dtype=str), rows["n_sources"].to_numpy()
    kept, fixed = [], []
    for n, n_candidates, strategy, picked in _candidates(rows, effect, int(always.sum()), strategies):
        chosen = always.copy()
        chosen[varying[list(picked)]] = True
        same = (strategy_of == strategy) & (n_of == n) & (present == chosen)[:, ~alike].all(axis=1)
        kept.append((n, strategy, _named(sources, chosen, alike), int(same.sum()), n_candidates, chosen[varying]))
        fixed.append(mean_weights(fit, n - 2, [strategy])[0])
    chosen = np.array([row[-1] for row in kept], dtype=float)
    levels = np.stack([1.0 - chosen, chosen], axis=2).reshape(len(chosen), -1)  # absent, present: in the order of modes
    z, variance = predict(fit, np.array(fixed), levels)
    columns = ["n_sources", "strategy", "sources", "n_runs", "n_candidates"]
    best = pd.DataFrame([row[:-1] for row in kept], columns=columns).assign(z=z, se=np.sqrt(variance))
    best = best.sort_values(["n_sources", "z"], ascending=[True, False], kind="stable")
    best.insert(1, "rank", best.groupby("n_sources").cumcount() + 1)
    return _with_intervals(best[best["rank"] <= BEST_SHOWN], np.sqrt(fit.residual_variance), n_left)


def _with_intervals(best: pd.DataFrame, residual_sd: float, df: int) -> pd.DataFrame:
    """`low, high, run_low, run_high` beside `z` and `se`, by t with the rows left beside all effects."""
    one_of = (1.0 - LEVEL) / 2.0
    half = stats.t.isf(one_of / best["n_candidates"], df) * best["se"]
    half_of_run = np.hypot(half, stats.t.isf(one_of, df) * residual_sd)
    z = best["z"]
    return best.assign(low=z - half, high=z + half, run_low=z - half_of_run, run_high=z + half_of_run)


def _candidates(
    rows: pd.DataFrame, effect: np.ndarray, n_always: int, strategies: Sequence[str]
) -> Iterator[tuple[int, int, str, tuple[int, ...]]]:
    """Number of sources, how many combinations there are of it, strategy, and positions of the sources picked: each
    strategy's best few. A strategy is asked only for numbers between its least and its largest."""
    spans = rows.groupby("strategy")["n_sources"].agg(["min", "max"])
    for n in range(int(spans["min"].min()), int(spans["max"].max()) + 1):
        able = [name for name in strategies if spans.loc[name, "min"] <= n <= spans.loc[name, "max"]]
        n_picked = n - n_always
        if 0 <= n_picked <= len(effect):
            n_candidates = len(able) * comb(len(effect), n_picked)
            sets = best_sets(effect, n_picked, BEST_SHOWN)
            yield from ((n, n_candidates, strategy, picked) for strategy in able for picked in sets)


def _named(sources: Sequence[str], chosen: np.ndarray, alike: np.ndarray) -> str:
    """`bpm + tag + 2 of (self, year, lyrics)`: the sources chosen, those without an effect of their own by number."""
    names = [name for name, is_in, same in zip(sources, chosen, alike, strict=True) if is_in and not same]
    others = [name for name, same in zip(sources, alike, strict=True) if same]
    n_others = int((chosen & alike).sum())
    if n_others == len(others):
        names += others
    elif n_others:
        names.append(f"{n_others} of ({', '.join(others)})")
    return " + ".join(names)
