"""What is said of a rule on precision: whether it is reached, what more it takes, and how often a sweep looked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.planning.precision import Rule
from analysis.wording import number

ON_STOPPING = (
    "Intervals are not widened for that: over all studies, stopping by width leaves the coverage of 95 % intervals "
    "where it was (0.94 to 0.95 in simulation). Where few studies reach a limit, those that do cover less, with or "
    "without looks on the way."
)


def on_margins(rule: Rule, found: pd.DataFrame) -> str:
    """Whether the rule is reached, by the interval that is widest for its limit."""
    worst = found.loc[(found["margin"] / found["limit"]).idxmax()]
    n_untold, n_wide = int(np.isinf(found["margin"]).sum()), int((found["margin"] >= found["limit"]).sum())
    if n_untold:
        return f"{rule.text} is not reached: {worst['effect']} is not estimable from these runs yet."
    widest = f"{worst['effect']} is known to ± {number(worst['margin'])}"
    if n_wide:
        return (
            f"{rule.text} is not reached: {widest} only, the widest of {n_wide} intervals too wide (of {len(found)})."
        )
    return f"{rule.text} is reached: {widest}" + ("." if len(found) == 1 else ", and nothing less well for its limit.")


def on_what_it_takes(
    found: pd.DataFrame, n_targets: int, n_done: int, n_needed: int | None, n_possible: int, more_targets: int | None
) -> str:
    """What more runs would do for a rule that is not reached, and what only more targets would."""
    if n_needed is not None:
        return (
            f"About {n_needed - n_done} more, {n_needed} runs in all, and half of the studies like this one reach it."
        )
    stuck = found[found["floor"] >= found["limit"]]
    if stuck.empty:
        return f"Fewer than half of the studies like this reach it with {n_possible} runs."
    worst = stuck.loc[(stuck["floor"] / stuck["limit"]).idxmax()]
    floor = f"With ever more runs {worst['effect']} comes to ± {number(worst['floor'])}"
    return f"{floor}, if the {n_targets} targets differ as much as this fit has them" + (
        f"; with {more_targets} targets enough runs would reach it." if more_targets else "."
    )


def on_looks(looks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How often sweeps looked at their intervals (`rule, n_runs, reached`), and what that does to these."""
    for rule in dict.fromkeys(look["rule"] for look in looks):
        mine = [look for look in looks if look["rule"] == rule]
        looked = "once" if len(mine) == 1 else f"{len(mine)} times"
        at = [look["n_runs"] for look in mine if look["reached"]]
        outcome = f"reached at {at[0]} runs" if at else f"not reached at {mine[-1]['n_runs']} runs"
        yield f"The sweep looked at its intervals {looked}, to stop once {rule}: {outcome}. {ON_STOPPING}"
