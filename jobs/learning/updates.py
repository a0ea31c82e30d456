"""One step of a training: the losses of its batches, their gradients, and the update of the weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from jobs.learning.batches import CropReader
from jobs.learning.cuda_graphs import as_graphs
from jobs.learning.learning_rates import can_be_recorded
from jobs.learning.precision import Arithmetic, compiled
from jobs.learning.tasks import Batch, Task, item_losses
from jobs.networks.branching import Network
from study.core.sections import Training

Losses = Callable[[Batch], Tensor]
Step = Callable[[tuple[Batch, ...]], tuple[Tensor, ...]]


def batch_losses(network: Network, tasks: list[Task], reader: CropReader, arithmetic: Arithmetic) -> Losses:
    """The function from a batch to the losses of its items, (n,)."""
    of_items = compiled(item_losses, variants=2 * len(tasks)) if arithmetic.compiled else item_losses

    def losses(batch: Batch) -> Tensor:
        crops = (part.to(reader.device, non_blocking=True) for part in (batch.codes, batch.peak_db))
        return of_items(network, reader, tasks[batch.source], *crops, batch.wanted, arithmetic.precision)

    return losses


def training_step(
    network: Network, tasks: list[Task], losses: Losses, optimiser: Optimizer, settings: Training, device: torch.device
) -> Step:
    """The function that takes a step from one batch, or one of each source, and gives the mean loss of each.

    The gradients of several batches add up, each times its source's weight; `clip_norm` bounds the length of the sum
    (Pascanu et al. 2013, Algorithm 1).
    """
    parameters = list(network.parameters())

    def step(batches: tuple[Batch, ...]) -> tuple[Tensor, ...]:
        means = tuple(_with_gradients(losses(batch).mean(), tasks[batch.source].weight) for batch in batches)
        if settings.clip_norm is not None:
            clip_grad_norm_(parameters, settings.clip_norm)
        optimiser.step()
        optimiser.zero_grad()
        return means

    return as_graphs(step, device) if device.type == "cuda" and can_be_recorded(settings) else step


def _with_gradients(mean: Tensor, weight: float) -> Tensor:
    (mean if weight == 1 else mean * weight).backward()
    return mean.detach()
