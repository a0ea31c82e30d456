"""`squared-error`: of a number, such as that of `labels = "number"`; of several, their sum."""

from __future__ import annotations

from torch import Tensor

from jobs.learning.objectives.objective import Objective


def loss(predictions: Tensor, wanted: Tensor) -> Tensor:
    """`wanted` (n, factors) is of any numbers; standardised ones have a loss of 1 at their mean."""
    return (predictions - wanted).square().sum(dim=1)


OBJECTIVE = Objective(loss)
