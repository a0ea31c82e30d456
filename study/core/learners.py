"""Which learners a study may name. `jobs/learning/learners` has them."""

from __future__ import annotations

from importlib.metadata import entry_points

GROUP = "study.learners"
"""The entry points by which installed packages add learners of their own."""
BASE, ONNX = "base", "onnx"
BUILT_IN = (BASE, ONNX)
"""The training of Algorithm 1, and an encoder that is read from a file."""
TAKEN = ("context", "weights")
"""Names that no setting of a learner may have: those of its other arguments."""


def installed() -> tuple[str, ...]:
    """The names that installed packages add, by their metadata: nothing is loaded."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))
