"""Which learners a study may name. `jobs/learning/learners` has them."""

from __future__ import annotations

BASE, ONNX = "base", "onnx"
BUILT_IN = (BASE, ONNX)
"""The training of Algorithm 1, and an encoder that is read from a file. Installed packages add others."""
TAKEN = ("context", "weights")
"""Names that no setting of a learner may have: those of its other arguments."""
