"""`kl`: divergence of the network's distribution over factors from the labels' (Kim et al. 2019, Eq. 2)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from jobs.learning.objectives.objective import Objective


def loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """`wanted` (n, factors) is a distribution."""
    return functional.kl_div(logits.log_softmax(dim=1), wanted, reduction="none").sum(dim=1)


OBJECTIVE = Objective(loss)
