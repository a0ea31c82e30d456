"""`contrastive`: two crops of a track are to be more alike than crops of different ones (NT-Xent, Chen et al. 2020,
*A simple framework for contrastive learning of visual representations*, Eq. 1).

The head is a projection of two layers to 128 dimensions; alike is the cosine over a temperature of 0.5, which
Spijkervet and Burgoyne (2021) take for music. An item is a track; its loss is the mean over its two crops. Should a
batch have a track twice, its crops are no negatives of each other.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from jobs.learning.batches import draw_tracks
from jobs.learning.objectives.objective import Objective
from jobs.networks.stages import ACTIVATIONS
from study.core.cost import PAIR_UNITS

TEMPERATURE = 0.5


def head(features: int, factors: int, dropout: float, activation: str) -> nn.Module:
    return nn.Sequential(
        nn.Dropout(dropout), nn.Linear(features, features), ACTIVATIONS[activation](), nn.Linear(features, PAIR_UNITS)
    )


def draw(generator: np.random.Generator, tracks: np.ndarray, n: int) -> np.ndarray:
    return np.tile(draw_tracks(generator, tracks, n), 2)


def wanted(device: Tensor | torch.device, tracks: np.ndarray, n: int) -> Tensor:
    """The track of each item, (n,)."""
    return torch.from_numpy(tracks[:n]).to(device)


def loss(projections: Tensor, wanted: Tensor) -> Tensor:
    """From projections (2 n, 128)."""
    n = len(wanted)
    unit = functional.normalize(projections, dim=1)
    alike = unit @ unit.T / TEMPERATURE
    track = wanted.repeat(2)
    other = torch.arange(2 * n, device=alike.device).roll(n)  # of each crop, the other one of its item
    allowed = (track[:, None] != track) | (torch.arange(2 * n, device=alike.device) == other[:, None])
    crops = functional.cross_entropy(alike.masked_fill(~allowed, -math.inf), other, reduction="none")
    return crops.view(2, n).mean(dim=0)


def least(n: int) -> float:
    """Where the crops of a track coincide and the tracks are as far apart as n unit vectors can be."""
    apart = math.exp(-1 / max(n - 1, 1) / TEMPERATURE)
    return math.log(math.exp(1 / TEMPERATURE) + 2 * (n - 1) * apart) - 1 / TEMPERATURE


OBJECTIVE = Objective(loss, head, draw, wanted, crops=2, fewest_tracks=2, outputs=PAIR_UNITS, least=least)
