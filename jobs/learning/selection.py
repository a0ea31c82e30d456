"""Choosing the epoch whose weights a run keeps (`select`), and when it stops (`patience`), by validation losses alone.

Targets play no part: a training has no access to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from jobs.learning.tasks import Task


@dataclass
class Best:
    """The epoch with the smallest validation loss so far; stored in checkpoints. `weights` only where asked for."""

    epoch: int = 0
    loss: float = math.inf
    weights: dict[str, Tensor] | None = None

    def note(self, epoch: int, loss: float, network: nn.Module, keep_weights: bool) -> None:
        """Compare an epoch's loss; one that is NaN is never the best."""
        if not loss < self.loss:
            return
        self.epoch, self.loss = epoch, loss
        if keep_weights:
            self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def is_stale(self, epoch: int, patience: int | None) -> bool:
        """Whether so many epochs since the best one have brought nothing better."""
        return patience is not None and epoch - self.epoch >= patience


def validated(tasks: Iterable[Task]) -> list[Task]:
    """The sources that have validation tracks enough for a loss."""
    return [task for task in tasks if len(task.validation_tracks) >= task.objective.fewest_tracks]


def overall(validation: Mapping[str, float | None], tasks: Iterable[Task]) -> float:
    """The weighted mean of the sources' validation losses: what training reduces, of tracks that it does not see."""
    losses = [(validation[task.name], task.weight) for task in tasks]
    having = [(loss, weight) for loss, weight in losses if loss is not None]
    return sum(loss * weight for loss, weight in having) / sum(weight for _, weight in having)
