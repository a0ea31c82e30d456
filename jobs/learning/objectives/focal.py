"""`focal`: `bce` with well-classified tags weighted down (Lin et al. 2017, Eq. 5, with their gamma and alpha)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from jobs.learning.objectives.objective import Objective

GAMMA, ALPHA = 2.0, 0.25


def loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """`wanted` (n, factors) is 0 or 1."""
    surprise = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    predicted = logits.sigmoid()
    missed = predicted + wanted - 2 * predicted * wanted  # 1 - p_t
    weight = ALPHA * wanted + (1 - ALPHA) * (1 - wanted)
    return (weight * missed**GAMMA * surprise).sum(dim=1)


OBJECTIVE = Objective(loss, probabilities=torch.sigmoid)
