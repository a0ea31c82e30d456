"""Power by simulation: which effects a plan can find, and what more runs or more targets would buy.

Studies are simulated over the plan and refitted, and effects tested as the report tests them: by simultaneous intervals
in families (`analysis.simultaneous`), whose critical p is worked out once, at the true variances (simr, Green & MacLeod
2016, has the idea). All numbers of
runs and of targets share the simulated scores, so that they differ by the plan and not by luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis.fitting.mixed_problem import NotCertified
from analysis.planning.simulation import Planned, Refitted, dependence, joined, planned_model, prefix, refit, simulate
from analysis.planning.truth import Truth
from analysis.simultaneous import critical_p
from analysis.statements import mean_n_star
from study.core.coding import Coding, first_model, over_range, span_ratios
from study.core.effects import Effect, effects_at, effects_of, weights_of
from study.core.errors import InputFaults
from study.core.factors import Level
from study.core.strategies import BUILT_IN, Strategies

WANTED = 0.8
"""The power that `smallest` effects have."""

BATCH = 100
SEED = 0
"""Of the draws behind critical values."""


@dataclass(frozen=True)
class Grid:
    """Numbers of runs (the first so many) and of targets, each with each, and how many studies are simulated."""

    sizes: Sequence[int]
    targets: Sequence[int]
    n_simulations: int


@dataclass(frozen=True)
class Cell:
    """A number of runs on a number of targets. `power` has a row an effect: `effect, value, power, power_low,
    power_high` (Wilson's 95 % interval) and `smallest`, all NaN where the effect is not estimable from so few runs.

    Shares are of the `n_simulations` less the `n_failed` whose fit was not certified; `n_singular` had a variance of
    zero. `why_not` says why no study of this size can be fitted.
    """

    n_runs: int
    n_targets: int
    n_simulations: int
    n_failed: int = 0
    n_singular: int = 0
    power: pd.DataFrame = field(default_factory=pd.DataFrame)
    why_not: str | None = None


def power(
    runs: pd.DataFrame,
    factors: Mapping[str, Sequence[Level]],
    truth: Truth,
    grid: Grid,
    rng: np.random.Generator,
    tell: Callable[[int], None] = lambda n_simulated: None,
    strategies: Strategies = BUILT_IN,
) -> list[Cell]:
    """Power in each cell of the grid; `runs` as in plan.parquet."""
    sizes, targets, n_simulations = grid.sizes, grid.targets, grid.n_simulations
    of_units = first_model(runs, factors, strategies).columns
    runs, factors = over_range(runs, factors)  # beside numbers in their millions, variances would have no optimum
    whole = first_model(runs, factors, strategies)
    ratio = span_ratios(whole.columns, of_units)
    truth = truth.with_units(ratio)
    effects = effects_of(list(whole.columns))
    all_runs = planned_model(runs, whole, factors)
    plans = {size: _prefix(runs, whole, factors, size) for size in sizes}
    estimable = {
        size: [effect for effect in effects if effect.told_by(plan.columns, whole.columns)]
        for size, plan in plans.items()
    }
    found: dict[tuple[int, int], list[Refitted]] = {(size, n_targets): [] for n_targets in targets for size in sizes}
    why_not: dict[tuple[int, int], str] = {}
    critical: dict[tuple[int, int], np.ndarray] = {}
    for first in range(0, n_simulations, BATCH):
        n = min(BATCH, n_simulations - first)
        scores = simulate(truth, all_runs, max(targets), n, rng)
        for (size, n_targets), refits in found.items():
            contrasts = weights_of(estimable[size], list(plans[size].columns))
            here = prefix(scores[:, :n_targets], size)
            try:
                refits.append(refit(here, plans[size], contrasts, truth))
                if (size, n_targets) not in critical:
                    mean = mean_n_star(runs[:size], strategies)
                    critical[size, n_targets] = _critical(here[:1], plans[size], estimable[size], truth, mean)
            except (InputFaults, NotCertified) as reason:
                why_not[size, n_targets] = str(reason)
        tell(first + n)
    return [
        Cell(size, n_targets, n_simulations, why_not=why_not[size, n_targets])
        if (size, n_targets) in why_not
        else _in_units(
            _cell(size, n_targets, effects, estimable[size], truth, critical[size, n_targets], joined(refits)), ratio
        )
        for (size, n_targets), refits in found.items()
    ]


def _in_units(cell: Cell, ratio: Mapping[str, float]) -> Cell:
    """The cell with slopes per unit of their factors instead of over their range."""
    per_range = cell.power["effect"].map(ratio).fillna(1.0)
    return replace(
        cell, power=cell.power.assign(**{name: cell.power[name] * per_range for name in ("value", "smallest")})
    )


def _prefix(runs: pd.DataFrame, whole: Coding, factors: Mapping[str, Sequence[Level]], size: int) -> Planned:
    """The terms of the whole plan's model that are estimable from its first runs."""
    first = first_model(runs.iloc[:size], factors, whole.strategies)
    terms = [term for term in whole.columns if term in first.columns]
    random = tuple(term for term in whole.random if term in terms)
    coding = Coding(whole.columns.iloc[:size][terms], random, strategies=whole.strategies)
    return planned_model(runs.iloc[:size], coding, factors)


def _critical(scores: np.ndarray, plan: Planned, estimable: Sequence[Effect], truth: Truth, mean: float) -> np.ndarray:
    """The p (m,) below which each effect is significant in its family; pairs are judged together with those at the
    `mean` n*, as in the report."""
    terms = list(plan.columns)
    at_mean = effects_at(mean, [effect for effect in estimable if effect.is_comparison], terms)
    critical = np.empty(len(estimable))
    for family in {effect.family for effect in estimable}:
        members = [effect for effect in estimable if effect.family == family]
        together = members + (at_mean if members[0].is_comparison else [])
        own = np.array([effect.family == family for effect in estimable])
        critical[own] = critical_p(*dependence(scores, plan, weights_of(together, terms), truth), SEED)
    return critical


def _cell(
    size: int,
    n_targets: int,
    effects: Sequence[Effect],
    estimable: Sequence[Effect],
    truth: Truth,
    critical: np.ndarray,
    found: Refitted,
) -> Cell:
    error, se, df = (each[found.certified] for each in (found.error, found.se, found.df))
    value = np.array([effect.value(truth.effects) for effect in estimable])
    p = 2.0 * stats.t.sf(np.abs(value + error) / se, df)
    # Found in its own direction: value + error > critical x se, for value as for -value.
    needed = stats.t.isf(critical / 2.0, df) * se
    smallest = np.concatenate([needed - error, needed + error])
    shares = np.array([share(int(n), len(p)) for n in (p < critical).sum(axis=0)]).reshape(-1, 3)
    table = pd.DataFrame(shares, [effect.name for effect in estimable], ["power", "power_low", "power_high"])
    table["smallest"] = np.quantile(smallest, WANTED, axis=0) if len(p) else np.nan
    table = table.reindex([effect.name for effect in effects]).rename_axis("effect").reset_index()
    table.insert(1, "value", [effect.value(truth.effects) for effect in effects])
    n = len(found.certified)
    return Cell(size, n_targets, n, int((~found.certified).sum()), int(found.singular.sum()), table)


def share(count: int, n: int) -> tuple[float, float, float]:
    """A share with its 95 % interval (Wilson 1927); NaN of nothing."""
    if not n:
        return np.nan, np.nan, np.nan
    interval = stats.binomtest(count, n).proportion_ci(method="wilson")
    return count / n, float(interval.low), float(interval.high)
