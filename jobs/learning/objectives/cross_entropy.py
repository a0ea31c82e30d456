"""`cross-entropy`: of the most probable factor of the labels, such as the class of `labels = "classes"`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from jobs.learning.objectives.objective import Objective


def loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """`wanted` (n, factors) is a distribution."""
    return functional.cross_entropy(logits, wanted.argmax(dim=1), reduction="none")


OBJECTIVE = Objective(loss)
