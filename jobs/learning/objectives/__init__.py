"""The objectives by the name that a source gives: one file each, and those that installed packages add.

A package adds its own by an entry point of the group `study.objectives` that names an `Objective`.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from jobs.learning.objectives import bce, contrastive, cross_entropy, focal, kl, pairs
from jobs.learning.objectives.objective import Objective
from study.core.objectives import GROUP

OBJECTIVES: dict[str, Objective] = {
    "pairs": pairs.OBJECTIVE,
    "contrastive": contrastive.OBJECTIVE,
    "kl": kl.OBJECTIVE,
    "bce": bce.OBJECTIVE,
    "focal": focal.OBJECTIVE,
    "cross-entropy": cross_entropy.OBJECTIVE,
}


def objective(name: str) -> Objective:
    """The objective of this name. Raises ValueError if there is none, or it is something else."""
    if name in OBJECTIVES:
        return OBJECTIVES[name]
    for point in entry_points(group=GROUP, name=name):
        found = point.load()
        if not isinstance(found, Objective):
            kind = type(found).__name__
            raise ValueError(f"objective {name!r} of {point.value}: expected an Objective, found {kind}")
        return found
    raise ValueError(f"no objective {name!r}; expected one of {', '.join(OBJECTIVES)}")
