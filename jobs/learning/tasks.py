"""The learning task of each source: random tracks and crops, the labels to predict, and the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jobs.learning.batches import CropReader, draw_starts
from jobs.learning.objectives import objective
from jobs.learning.objectives.objective import Objective
from jobs.networks.branching import Network
from study.core.sections import Training


@dataclass(frozen=True)
class Task:
    """A source in training: its objective, its part of the network (`branch` None: all is shared), its tracks.

    `labels` (n_tracks of the store, factors) is None where the objective needs none. Losses are divided by `divisor`;
    `weight` is theirs in a sum of several sources'.
    """

    name: str
    objective: Objective
    branch: nn.Module | None
    head: nn.Module
    labels: Tensor | None
    training_tracks: np.ndarray
    validation_tracks: np.ndarray
    divisor: int = 1
    weight: float = 1.0

    def wanted(self, tracks: np.ndarray, n: int, device: torch.device) -> Tensor:
        """What n items should give, of which these tracks were drawn."""
        return self.objective.wanted(device if self.labels is None else self.labels, tracks, n)


@dataclass(frozen=True)
class Batch:
    """Input of a step: crops as `CropReader.gather` gives them, and the labels of their `n` items.

    `source` is a position among the tasks, `generator_state` that of the generator once the batch was drawn.
    """

    source: int
    n: int
    codes: Tensor
    peak_db: Tensor
    wanted: Tensor
    generator_state: Mapping[str, Any]


def source_tasks(
    network: Network,
    labels: Mapping[str, np.ndarray],
    training_tracks: np.ndarray,
    validation_tracks: np.ndarray,
    device: torch.device,
    loss_of: Mapping[str, str] | None = None,
    settings: Training = Training(),  # noqa: B008
) -> list[Task]:
    """One task per source of the network, with the tracks that have its labels; rows of NaN have none.

    Sources learn by the network's objectives, except those named in `loss_of`. `reduction` "mean" of the settings
    divides a source's loss by its number of outputs.
    Raises ValueError for labels with a wrong number of factors, and for sources without training tracks.
    """
    tasks = []
    for position, (name, factors) in enumerate(network.source_factors.items()):
        own = network.branches[position] if network.branches else None, network.heads[position]
        of_source = objective((loss_of or {}).get(name, network.objectives[name]))
        split = [np.asarray(tracks) for tracks in (training_tracks, validation_tracks)]
        divisor = (of_source.outputs or factors or 1) if settings.reduction == "mean" else 1
        table = None
        if factors is not None:
            values = np.asarray(labels[name], dtype=np.float32)
            if values.shape[1] != factors:
                raise ValueError(f"labels of {name!r}: {values.shape[1]} factors; the network has {factors}")
            present = ~np.isnan(values).any(axis=1)
            split = [tracks[present[tracks]] for tracks in split]
            table = torch.from_numpy(values).to(device)
        task = Task(name, of_source, *own, table, *split, divisor, settings.weights.get(name, 1.0))
        if not len(task.training_tracks):
            raise ValueError(f"no training track has labels of {name!r}")
        tasks.append(task)
    if not tasks:
        raise ValueError("a network without sources has nothing to learn")
    return tasks


def training_batches(
    generator: np.random.Generator, reader: CropReader, tasks: list[Task], batch_size: int
) -> Iterator[Batch]:
    """An endless series of batches: a random source, tracks of it, a crop of each (Algorithm 1)."""
    for (batch,) in step_batches(generator, reader, tasks, batch_size, "one"):
        yield batch


def step_batches(
    generator: np.random.Generator, reader: CropReader, tasks: list[Task], batch_size: int, schedule: str
) -> Iterator[tuple[Batch, ...]]:
    """An endless series of steps: the batch of a random source ("one"), or a batch of each source ("sum")."""
    every = range(len(tasks))
    while True:
        sources = every if schedule == "sum" else (int(generator.integers(len(tasks))),)
        yield tuple(_drawn(generator, reader, tasks, source, batch_size) for source in sources)


def _drawn(
    generator: np.random.Generator, reader: CropReader, tasks: list[Task], source: int, batch_size: int
) -> Batch:
    task = tasks[source]
    tracks = task.objective.draw(generator, task.training_tracks, batch_size)
    starts = draw_starts(generator, reader.store, tracks, reader.crop_frames)
    wanted = task.wanted(tracks, batch_size, reader.device)
    codes, peak_db = reader.gather(tracks, starts)
    return Batch(source, batch_size, codes, peak_db, wanted, generator.bit_generator.state)


def validation_batches(
    generator: np.random.Generator, reader: CropReader, tasks: list[Task], batch_size: int
) -> Iterator[Batch]:
    """Every validation track of each source once, or as many pairs.

    The last batch of a source is filled up with its own items, and only the first `n` count: a compiled network needs
    one batch size.
    """
    for source, task in enumerate(tasks):
        crops, tracks = task.objective.crops, task.validation_tracks
        if len(tracks) < task.objective.fewest_tracks:
            continue
        for first in range(0, len(tracks), batch_size):
            part = tracks[first : first + batch_size]
            n = len(part)
            drawn = task.objective.draw(generator, tracks, n) if crops > 1 else part
            starts = draw_starts(generator, reader.store, drawn, reader.crop_frames)
            filled = np.resize(np.arange(n), batch_size)
            wanted = task.wanted(drawn, n, reader.device)[filled]
            drawn, starts = (values.reshape(-1, n)[:, filled].ravel() for values in (drawn, starts))
            codes, peak_db = reader.gather(drawn, starts)
            yield Batch(source, n, codes, peak_db, wanted, generator.bit_generator.state)


def item_losses(
    network: Network, reader: CropReader, task: Task, codes: Tensor, peak_db: Tensor, wanted: Tensor, precision: str
) -> Tensor:
    """The loss of each item of a batch, (n,), in nat. The network runs in `precision`, the loss in float32."""
    crops = reader.standardised(codes, peak_db)
    with torch.autocast(crops.device.type, torch.bfloat16, enabled=precision == "bf16"):
        features = network.trunk(crops)
        if task.branch is not None:
            features = task.branch(features)
        predictions = task.head(features)
    return task.objective.loss(predictions.float(), wanted) / task.divisor
