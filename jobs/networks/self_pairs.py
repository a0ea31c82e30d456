"""The Siamese head of `self`: do two crops come from the same track? (Kim et al. 2019, Fig. 3, Eq. 5-6)

left, right        each a representation of 256 (times width), after dropout 0.5 as for every other source (Table 3)
concatenated       512
fully connected    128 (at every width), BN, activation, dropout 0.5
fully connected    2: different, same
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from jobs.networks.stages import ACTIVATIONS
from study.core.cost import PAIR_UNITS


class PairHead(nn.Module):
    """Logits (n_pairs, 2) of "different" and "same" from the representations of both crops."""

    def __init__(self, features: int, dropout: float, activation: str = "relu") -> None:
        super().__init__()
        parts = OrderedDict(
            feature_dropout=nn.Dropout(dropout),
            fc=nn.Linear(2 * features, PAIR_UNITS),
            norm=nn.BatchNorm1d(PAIR_UNITS),
            activation=ACTIVATIONS[activation](),
            dropout=nn.Dropout(dropout),
            output=nn.Linear(PAIR_UNITS, 2),
        )
        self.layers = nn.Sequential(parts)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """`left`, `right` (n_pairs, features)."""
        return self.layers(torch.cat((left, right), dim=1))
