"""`bce`: binary cross-entropy, summed over tags."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from jobs.learning.objectives.objective import Objective


def loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """`wanted` (n, factors) is 0 or 1."""
    return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum(dim=1)


OBJECTIVE = Objective(loss, probabilities=torch.sigmoid)
