"""What each source asks of a step: tracks and crops at random, and the loss on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jobs.learning.batches import CropReader, draw_pairs, draw_starts, draw_tracks, pair_labels
from jobs.networks.branching import Network


@dataclass(frozen=True)
class Task:
    """A source as the loop sees it. `labels` (n_tracks of the store, factors) is None for `self`."""

    name: str
    labels: Tensor | None
    training_tracks: np.ndarray
    validation_tracks: np.ndarray


def source_tasks(
    network: Network,
    labels: Mapping[str, np.ndarray],
    training_tracks: np.ndarray,
    validation_tracks: np.ndarray,
    device: torch.device,
) -> list[Task]:
    """A task for each source of the network, with the tracks that have its labels: rows of NaN have none.

    Raises ValueError for labels of another number of factors, and for sources without training tracks.
    """
    tasks = []
    for name, factors in network.source_factors.items():
        if factors is None:
            task = Task(name, None, np.asarray(training_tracks), np.asarray(validation_tracks))
        else:
            table = np.asarray(labels[name], dtype=np.float32)
            if table.shape[1] != factors:
                raise ValueError(f"labels of {name!r}: {table.shape[1]} factors; the network has {factors}")
            present = ~np.isnan(table).any(axis=1)
            split = [tracks[present[tracks]] for tracks in (training_tracks, validation_tracks)]
            task = Task(name, torch.from_numpy(table).to(device), *split)
        if not len(task.training_tracks):
            raise ValueError(f"no training track has labels of {name!r}")
        tasks.append(task)
    if not tasks:
        raise ValueError("a network without sources has nothing to learn")
    return tasks


def training_batch(
    generator: np.random.Generator, reader: CropReader, task: Task, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Tracks and first frames of `n` crops at random; of `n` pairs, hence (2 n,), for `self`."""
    draw = draw_pairs if task.labels is None else draw_tracks
    tracks = draw(generator, task.training_tracks, n)
    return tracks, draw_starts(generator, reader.store, tracks, reader.crop_frames)


def validation_batches(
    generator: np.random.Generator, reader: CropReader, task: Task, batch_size: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(items, tracks, first frames) until every validation track was seen once, or as many pairs were."""
    tracks = task.validation_tracks
    if task.labels is None and len(tracks) < 2:
        return
    for first in range(0, len(tracks), batch_size):
        part = tracks[first : first + batch_size]
        drawn = draw_pairs(generator, tracks, len(part)) if task.labels is None else part
        yield len(part), drawn, draw_starts(generator, reader.store, drawn, reader.crop_frames)


def mean_loss(
    network: Network, reader: CropReader, task: Task, tracks: np.ndarray, starts: np.ndarray, precision: str
) -> Tensor:
    """Mean divergence of the network's distributions from the labels (Eq. 2; of pairs one-hot, Eq. 5), in nat.

    The network runs in `precision`, the divergence in float32.
    """
    crops = reader.read(tracks, starts)
    with torch.autocast(reader.device.type, torch.bfloat16, enabled=precision == "bf16"):
        if task.labels is None:
            left, right = crops.chunk(2)
            logits = network.pair_logits(left, right, task.name)
            return functional.cross_entropy(logits, pair_labels(len(left), reader.device))
        wanted = task.labels[torch.from_numpy(tracks).to(reader.device)]
        found = network.log_probabilities(crops, task.name)
        return functional.kl_div(found, wanted, reduction="batchmean")
