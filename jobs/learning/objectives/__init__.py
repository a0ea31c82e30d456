"""The objectives by the name that a source gives: one file each, and those that installed packages add.

A package adds its own by an entry point of the group `study.objectives` that names an `Objective`.
"""

from __future__ import annotations

from jobs.learning.objectives import bce, contrastive, cross_entropy, focal, kl, pairs, squared_error
from jobs.learning.objectives.objective import Objective
from study.core import extensions

OBJECTIVES: dict[str, Objective] = {
    "pairs": pairs.OBJECTIVE,
    "contrastive": contrastive.OBJECTIVE,
    "kl": kl.OBJECTIVE,
    "bce": bce.OBJECTIVE,
    "focal": focal.OBJECTIVE,
    "cross-entropy": cross_entropy.OBJECTIVE,
    "squared-error": squared_error.OBJECTIVE,
}


def objective(name: str) -> Objective:
    """The objective of this name. Raises InputFaults if there is none, or it cannot be loaded."""
    return OBJECTIVES.get(name) or extensions.load_extension(extensions.OBJECTIVES, name, Objective)
