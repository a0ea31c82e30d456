"""What an objective is: what is drawn for an item, the head on the representation, and the loss.

An item is what a loss is of: a track, or a pair of tracks. Each file of this folder has one `OBJECTIVE`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from jobs.learning.batches import draw_tracks

Head = Callable[[int, int, float, str], nn.Module]


def label_head(features: int, factors: int, dropout: float, activation: str) -> nn.Module:
    """Dropout on fc-feature, then one output per factor (Kim et al. 2019, Table 3)."""
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(features, factors))


def labels_of(labels: Tensor | torch.device, tracks: np.ndarray, n: int) -> Tensor:
    """The labels of each track, (n, factors)."""
    assert isinstance(labels, Tensor)
    return labels[torch.from_numpy(tracks).to(labels.device, non_blocking=True)]


@dataclass(frozen=True)
class Objective:
    """`loss` of predictions and what is wanted, (n,), in nat, from float32.

    `draw(generator, tracks, n)`: tracks of the crops of n items, (crops * n,): the first crop of each, then the second.
    `wanted(labels, tracks, n)`: what n items should give, from the source's labels (n_tracks, factors) and the drawn
    tracks; without labels it is given the device instead. `head(features, factors, dropout, activation)`: a module on
    the representations (crops * n, features). `outputs` is their number where labels do not give it.
    `least(n)`: the loss that n items cannot fall below. `probabilities` of outputs, (n, factors): softmax, unless each
    factor is true or false by itself.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    head: Head = label_head
    draw: Callable[[np.random.Generator, np.ndarray, int], np.ndarray] = draw_tracks
    wanted: Callable[[Tensor | torch.device, np.ndarray, int], Tensor] = labels_of
    crops: int = 1
    fewest_tracks: int = 1
    outputs: int | None = None
    least: Callable[[int], float] = lambda n: 0.0
    probabilities: Callable[[Tensor], Tensor] = lambda outputs: outputs.softmax(dim=1)
