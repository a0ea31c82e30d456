"""What is said of a rule on precision: whether it is reached, what more it takes, and how often a sweep looked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.planning.precision import Rule
from analysis.wording import number

ON_STOPPING = (
    "Intervals are not widened for this: in simulations, 95 % intervals of studies that stop by width cover 94 to "
    "95 %. If only few studies reach a limit, the intervals of those few cover less, with or without interim looks."
)


def on_margins(rule: Rule, found: pd.DataFrame) -> str:
    """Whether the rule is reached, by the interval that is widest for its limit."""
    worst = found.loc[(found["margin"] / found["limit"]).idxmax()]
    n_untold, n_wide = int(np.isinf(found["margin"]).sum()), int((found["margin"] >= found["limit"]).sum())
    if n_untold:
        return f"{rule.text} is not reached: {worst['effect']} is not estimable from these runs yet."
    widest = f"{worst['effect']} ± {number(worst['margin'])}"
    if n_wide:
        return f"{rule.text} is not reached: {n_wide} of {len(found)} intervals are too wide, the widest is {widest}."
    return f"{rule.text} is reached: {widest}" + ("." if len(found) == 1 else " is the widest interval for its limit.")


def on_what_it_takes(
    found: pd.DataFrame, n_targets: int, n_done: int, n_needed: int | None, n_possible: int, more_targets: int | None
) -> str:
    """What more runs would do for a rule that is not reached, and what only more targets would."""
    if n_needed is not None:
        return (
            f"With about {n_needed - n_done} more runs ({n_needed} in all), half of the studies like this one reach it."
        )
    stuck = found[found["floor"] >= found["limit"]]
    if stuck.empty:
        return f"Fewer than half of the studies like this one reach it with all {n_possible} runs."
    worst = stuck.loc[(stuck["floor"] / stuck["limit"]).idxmax()]
    return (
        f"More runs alone cannot reach it: with {n_targets} targets that differ as much as in this fit, "
        f"{worst['effect']} cannot become more precise than ± {number(worst['floor'])}."
    ) + (f" With {more_targets} targets, enough runs would reach it." if more_targets else "")


def on_looks(looks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How often sweeps looked at their intervals (`rule, n_runs, reached`), and what that does to these."""
    for rule in dict.fromkeys(look["rule"] for look in looks):
        mine = [look for look in looks if look["rule"] == rule]
        looked = "once" if len(mine) == 1 else f"{len(mine)} times"
        at = [look["n_runs"] for look in mine if look["reached"]]
        outcome = f"reached at {at[0]} runs" if at else f"not reached at {mine[-1]['n_runs']} runs"
        yield f"The sweep checked {looked} whether to stop ({rule}): {outcome}. {ON_STOPPING}"
