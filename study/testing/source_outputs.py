"""What a network says of one source, without a training around it."""

from __future__ import annotations

import torch
from torch import Tensor

from jobs.networks.branching import Network


def features(network: Network, crops: Tensor, source: str) -> Tensor:
    """fc_feature of the source's branch: (batch, 256 * width)."""
    shared = network.trunk(crops)
    return network.branches[_position(network, source)](shared) if network.branches else shared


def logits(network: Network, crops: Tensor, source: str) -> Tensor:
    """The source's output for each crop or, of `self`, for its pair with the crop in the mirrored place."""
    head = network.heads[_position(network, source)]
    if network.source_factors[source] is None:
        return head(features(network, torch.cat((crops, crops.flip(0))), source))
    return head(features(network, crops, source))


def loss(network: Network, crops: Tensor, source: str) -> Tensor:
    """A number that hangs on all that the source uses."""
    return logits(network, crops, source).log_softmax(dim=1)[:, 0].sum()


def _position(network: Network, source: str) -> int:
    return list(network.source_factors).index(source)
