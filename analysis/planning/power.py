"""Power by simulation: which effects a plan can find, and what more runs or more targets would buy.

Studies are simulated over the plan and refitted, and effects tested as the report tests them: slopes on n* and further
factors by Satterthwaite's p, pairs of strategies by its Holm-adjusted p (simr, Green & MacLeod 2016). All numbers of
runs and of targets share the simulated scores, so that they differ by the plan and not by luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts import ALPHA, holm
from analysis.fitting.mixed_problem import NotCertified
from analysis.planning.effects import Effect, effects_of, weights_of
from analysis.planning.simulation import Refitted, joined, refit, simulate
from analysis.planning.truth import Truth
from study.core.coding import Coding, first_model
from study.core.errors import InputFaults
from study.core.factors import Level

WANTED = 0.8
"""The power that `smallest` effects have."""

BATCH = 100


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
    sizes: Sequence[int],
    targets: Sequence[int],
    n_simulations: int,
    rng: np.random.Generator,
    tell: Callable[[int], None] = lambda n_simulated: None,
) -> list[Cell]:
    """Power at each of `sizes` (the first so many of `runs`, as in plan.parquet) on each number of `targets`."""
    whole = first_model(runs, factors)
    effects = effects_of(list(whole.columns))
    plans = {size: _prefix(runs, whole, factors, size) for size in sizes}
    estimable = {
        size: [effect for effect in effects if effect.told_by(plan.columns, whole.columns)]
        for size, plan in plans.items()
    }
    found: dict[tuple[int, int], list[Refitted]] = {(size, n_targets): [] for n_targets in targets for size in sizes}
    why_not: dict[tuple[int, int], str] = {}
    for first in range(0, n_simulations, BATCH):
        n = min(BATCH, n_simulations - first)
        scores = simulate(truth, whole.columns, whole.random, max(targets), n, rng)
        for (size, n_targets), refits in found.items():
            coding = plans[size]
            start = np.array([(truth.sd[term] / truth.residual_sd) ** 2 for term in coding.random])
            contrasts = weights_of(estimable[size], list(coding.columns))
            here = scores[:, :n_targets, :size]
            try:
                refits.append(refit(here, coding.columns, coding.random, contrasts, start))
            except (InputFaults, NotCertified) as reason:
                why_not[size, n_targets] = str(reason)
        tell(first + n)
    return [
        Cell(size, n_targets, n_simulations, why_not=why_not[size, n_targets])
        if (size, n_targets) in why_not
        else _cell(size, n_targets, effects, estimable[size], truth, joined(refits))
        for (size, n_targets), refits in found.items()
    ]


def _prefix(runs: pd.DataFrame, whole: Coding, factors: Mapping[str, Sequence[Level]], size: int) -> Coding:
    """The terms of the whole plan's model that are estimable from its first runs."""
    prefix = first_model(runs.iloc[:size], factors)
    terms = [term for term in whole.columns if term in prefix.columns]
    return Coding(whole.columns.iloc[:size][terms], tuple(term for term in whole.random if term in terms))


def _cell(
    size: int, n_targets: int, effects: Sequence[Effect], estimable: Sequence[Effect], truth: Truth, found: Refitted
) -> Cell:
    error, se, df = (each[found.certified] for each in (found.error, found.se, found.df))
    value = np.array([effect.value(truth.effects) for effect in estimable])
    p = 2.0 * stats.t.sf(np.abs(value + error) / se, df)
    compared = np.array([effect.is_comparison for effect in estimable], dtype=bool)
    level = np.where(compared, ALPHA / max(compared.sum(), 1), ALPHA)
    if compared.any() and len(p):
        p[:, compared] = np.apply_along_axis(holm, 1, p[:, compared])
    # Found in its own direction: value + error > critical x se, for value as for -value.
    needed = stats.t.isf(level / 2.0, df) * se
    smallest = np.concatenate([needed - error, needed + error])
    shares = np.array([share(int(n), len(p)) for n in (p < ALPHA).sum(axis=0)]).reshape(-1, 3)
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
