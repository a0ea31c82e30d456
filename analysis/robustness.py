"""Whether a significant effect stays when a part of the scores is left out: a target, or a strategy.

Fewer scores give wider intervals whatever they say, so an effect is not asked to be significant in them by itself. It
is estimated again without the part, and has to exceed the reach of the reported interval: it must not owe its
significance to that part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.contrasts import ALPHA, HIGHER, LOWER, NOT_SIGNIFICANT, verdicts
from analysis.results_table import ResultsTable
from analysis.wording import listed

WITHOUT = "without"
NAMED = 3
"""So many parts are named one by one."""
Verdicts = Mapping[str, str]
"""Of each effect: `HIGHER`, `LOWER` or `NOT_SIGNIFICANT`."""


def reported_verdicts(effects: pd.DataFrame) -> Verdicts:
    """Those of `effect, estimate, p_adjusted`."""
    return dict(zip(effects["effect"], verdicts(effects["estimate"], effects["p_adjusted"]), strict=True))


def verdicts_without(reported: pd.DataFrame, estimates: pd.Series) -> Verdicts:
    """Those of the `estimates` (by effect) without a part, by the reach of the intervals `effect, ci_low, ci_high` that
    are `reported`; effects that have no estimate then are left out."""
    reach = (reported["ci_high"] - reported["ci_low"]).set_axis(reported["effect"]) / 2.0
    return {
        str(effect): NOT_SIGNIFICANT if not abs(value) > reach[effect] else HIGHER if value > 0.0 else LOWER
        for effect, value in estimates.dropna().items()
        if effect in reach
    }


def fragile(reported: Verdicts, others: Sequence[tuple[str, Verdicts]], what: str) -> dict[str, str]:
    """Of each effect that is significant as `reported`, under which of the `others` (by name) it is not, or is of the
    other sign: `without gtzan and by the paper's model`; empty for those that stay. `what` is left out one by one."""
    significant = {effect: verdict for effect, verdict in reported.items() if verdict != NOT_SIGNIFICANT}
    return {
        effect: listed(counted([name for name, now in others if now.get(effect, verdict) != verdict], what))
        for effect, verdict in significant.items()
    }


def counted(names: Sequence[str], what: str = "targets") -> list[str]:
    """The names of variants; of more than `NAMED` that leave a part out, how many these are."""
    without = [name for name in names if name.startswith(f"{WITHOUT} ")]
    if len(without) <= NAMED:
        return list(names)
    return [f"{WITHOUT} any of {len(without)} {what}, one at a time", *(name for name in names if name not in without)]


Estimates = Callable[[ResultsTable], pd.Series]
"""Effects estimated anew from a table, by effect."""


def fragile_to_strategies(table: ResultsTable, reported: pd.DataFrame, estimates_of: Estimates) -> dict[str, str]:
    """`fragile` of effects within targets, each multi-source strategy left out in turn. Nothing where there is only one
    such strategy."""
    names = [name for name in table.strategies if not table.known[name].is_single]
    if len(names) < 2:
        return {}
    others = {name: replace(table, scores=table.scores[table.scores["strategy"] != name]) for name in names}
    return _fragile_without(others, reported, estimates_of, "strategies")


def fragile_to_targets(table: ResultsTable, reported: pd.DataFrame, estimates_of: Estimates) -> dict[str, str]:
    """`fragile` of effects over all targets, each target left out in turn. Nothing where there are only two."""
    if len(table.targets) < 3:
        return {}
    others = {
        name: replace(
            table,
            scores=table.scores[table.scores["target"] != name],
            baselines=table.baselines[table.baselines["target"] != name],
            moments=table.moments.drop(index=name),
        )
        for name in table.targets
    }
    return _fragile_without(others, reported, estimates_of, "targets")


def _fragile_without(
    others: Mapping[str, ResultsTable], reported: pd.DataFrame, estimates_of: Estimates, what: str
) -> dict[str, str]:
    if not (reported["p_adjusted"] < ALPHA).any():
        return {}
    now = [(f"{WITHOUT} {name}", verdicts_without(reported, estimates_of(without))) for name, without in others.items()]
    return fragile(reported_verdicts(reported), now, what)
