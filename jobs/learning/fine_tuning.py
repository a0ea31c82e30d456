"""Fine-tuning: a run's network is trained further on the labels of a target's tracks: end to end, its new output layer
alone, or end to end from fresh weights.

The network gets a head like a source's on all branches concatenated: dropout, then one unit per class or one for a
number. A step sees a batch of training tracks, a random crop of each; an epoch sees each track once. Batch
normalisation uses the batch's moments in training, which also updates the running ones, and the running ones in
prediction. A track's prediction is the mean over its slices: of class probabilities, or of numbers.

Training the whole network did better than a part of it in Cycon (2020, 5.2). With the network frozen, only the new
output layer is trained, on crops; its batch normalisations keep their moments and it has no dropout but the head's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from jobs.learning.batches import CropReader, crop_reader, draw_starts
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.representation import load_network, mean_over_crops, of_crops
from jobs.networks.branching import DROPOUT, Network, build_network, torch_seed
from jobs.sound.mel_store import MelStore
from jobs.targets.scoring import no_predictions, prediction_rows
from jobs.targets.splits import Split
from jobs.targets.track_labels import TargetData
from study.core.evaluation_factors import FINE_TUNE, LAST_LAYER, SCRATCH
from study.core.sections import FineTuning


@dataclass(frozen=True)
class Way:
    """Which layers are trained, and from which weights: the run's, or fresh ones of this initialisation."""

    whole_network: bool = True
    initialisation: str | None = None


WAYS: dict[str, Callable[[str], Way]] = {
    LAST_LAYER: lambda initialisation: Way(whole_network=False),
    FINE_TUNE: lambda initialisation: Way(),
    SCRATCH: lambda initialisation: Way(initialisation=initialisation),
}
"""Level of `transfer` -> the way of a run with this initialisation."""


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "classification": functional.cross_entropy,
    "regression": functional.mse_loss,
    "multilabel": functional.binary_cross_entropy_with_logits,
}
PROBABILITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "classification": lambda outputs: outputs.softmax(dim=1),
    "regression": lambda outputs: outputs,
    "multilabel": torch.sigmoid,
}
"""What is averaged over a track's slices."""


class FineTuned(nn.Module):
    """A network with a head of `n_outputs` on its representation: crops to logits or numbers, (batch, n_outputs).

    Without `whole_network`, only the head is trained.
    """

    def __init__(self, network: Network, n_outputs: int, whole_network: bool = True) -> None:
        super().__init__()
        self.network, self.whole_network = network.requires_grad_(whole_network), whole_network
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(network.representation_dim, n_outputs))

    def forward(self, crops: Tensor) -> Tensor:
        return self.head(self.network.all_features(crops))

    def train(self, mode: bool = True) -> FineTuned:
        super().train(mode)
        if not self.whole_network:
            self.network.eval()
        return self


def fine_tune(
    weights: Path,
    store: MelStore,
    crop_frames: int,
    data: TargetData,
    splits: list[Split],
    settings: FineTuning,
    l2: float,
    seed: np.random.SeedSequence,
    device: str | torch.device = "cpu",
    way: Way = Way(),
) -> pd.DataFrame:
    """Train the network in `weights` on each split and predict its test part: one row per test item and split.

    Columns: repeat, fold, track_id, label, prediction. A split whose training diverged has no rows. `seed` belongs
    to the run and target; each split derives its own from it. Raises RunFailed if there are no such weights.
    """
    device = torch.device(device)
    network, statistics, _ = load_network(weights)
    reader = crop_reader(store, statistics, crop_frames, device)
    rows = store.positions(data.track_ids)
    tables = [no_predictions()]
    for split in splits:
        own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, split.repeat, split.fold))
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(torch_seed(own))
            model = FineTuned(_started(network, way, own), _n_outputs(data), way.whole_network)
            predictions = _predictions(model, reader, rows, data, split, settings, l2, own)
        if predictions is not None:
            tables.append(prediction_rows(data, split, predictions))
    return pd.concat(tables[1:] or tables, ignore_index=True)


def _started(network: Network, way: Way, seed: np.random.SeedSequence) -> Network:
    """The network from which a split's training starts, of its own."""
    if way.initialisation is None:
        return deepcopy(network)
    return build_network(**network.specification, initialisation=way.initialisation, seed=seed)


def _n_outputs(data: TargetData) -> int:
    if data.task == "multilabel":
        return data.labels.shape[1]
    return len(np.unique(data.labels)) if data.task == "classification" else 1


def _predictions(
    model: FineTuned,
    reader: CropReader,
    rows: np.ndarray,
    data: TargetData,
    split: Split,
    settings: FineTuning,
    l2: float,
    seed: np.random.SeedSequence,
) -> np.ndarray | None:
    """Predictions for the split's test part (n_test,), in the labels' units; None if the training diverged."""
    if data.task == "classification":
        classes, wanted = np.unique(data.labels, return_inverse=True)
    elif data.task == "multilabel":
        wanted = data.labels.astype(np.float32)
    else:
        centre, scale = data.labels[split.train].mean(), data.labels[split.train].std() or 1.0
        wanted = ((data.labels - centre) / scale).astype(np.float32)[:, None]
    model.to(reader.device)
    loss_of, generator = LOSSES[data.task], np.random.default_rng(seed)
    if not _train(model, reader, rows[split.train], wanted[split.train], loss_of, settings, l2, generator):
        return None

    @torch.inference_mode()
    def outputs(crops: Tensor) -> Tensor:
        return PROBABILITIES[data.task](model(crops))

    means = mean_over_crops(*of_crops(outputs, reader, rows[split.test]))
    if not np.isfinite(means).all():
        return None
    if data.task == "multilabel":
        return means
    return classes[means.argmax(axis=1)] if data.task == "classification" else means[:, 0] * scale + centre


def _train(
    model: FineTuned,
    reader: CropReader,
    tracks: np.ndarray,
    wanted: np.ndarray,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    settings: FineTuning,
    l2: float,
    generator: np.random.Generator,
) -> bool:
    """Train the model in place, and leave it in evaluation mode; False as soon as an epoch's loss is not finite."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = OPTIMISERS["adam"](trained, settings.learning_rate, l2)
    labels = torch.from_numpy(wanted).to(reader.device)
    model.train()
    for _ in range(settings.epochs):
        total = torch.zeros((), device=reader.device)
        for batch in _batches(generator, len(tracks), settings.batch_size):
            starts = draw_starts(generator, reader.store, tracks[batch], reader.crop_frames)
            loss = loss_of(model(reader.read(tracks[batch], starts)), labels[torch.from_numpy(batch).to(labels.device)])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.detach()
        if not bool(total.isfinite()):
            return False
    model.eval()
    return True


def _batches(generator: np.random.Generator, n: int, batch_size: int) -> Iterator[np.ndarray]:
    """All of `n` items once in random order, in batches of `batch_size` or a little more, since a single item has no
    deviation to be normalised by."""
    yield from np.array_split(generator.permutation(n), max(1, n // batch_size))
