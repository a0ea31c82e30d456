"""`pairs`: are two crops of one track or not? Cross-entropy (Kim et al. 2019, Eq. 5-6); the objective of `self`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from jobs.learning.batches import draw_pairs, pair_labels
from jobs.learning.objectives.objective import Objective
from jobs.networks.self_pairs import PairHead


class BothSides(PairHead):
    """The pair head on the representations of a batch, (2 n, features)."""

    def forward(self, features: Tensor) -> Tensor:  # type: ignore[override]  # every head takes a whole batch
        return super().forward(*features.chunk(2))


def head(features: int, factors: int, dropout: float, activation: str) -> nn.Module:
    return BothSides(features, dropout, activation)


def wanted(device: Tensor | torch.device, tracks: np.ndarray, n: int) -> Tensor:
    """1 for the same track, else 0, (n,)."""
    assert isinstance(device, torch.device)
    return pair_labels(n, device)


def loss(logits: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(logits, wanted, reduction="none")


OBJECTIVE = Objective(loss, head, draw_pairs, wanted, crops=2, fewest_tracks=2, outputs=2)
