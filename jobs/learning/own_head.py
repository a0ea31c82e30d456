"""A network's own output for a source, as predictions of the labels that the source's tracks have.

Nothing is trained. A track's prediction is the mean over its slices of the probabilities that the head gives.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from jobs.learning.batches import crop_reader
from jobs.learning.objectives import objective
from jobs.learning.representation import load_network, mean_over_crops, of_crops
from jobs.networks.branching import Network
from jobs.sound.mel_store import MelStore
from jobs.targets.held_out import as_classes
from jobs.targets.scoring import no_predictions, prediction_rows
from jobs.targets.splits import Split
from jobs.targets.track_labels import TargetData


def own_head(
    weights: Path,
    store: MelStore,
    crop_frames: int,
    data: TargetData,
    splits: list[Split],
    source: str,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """The predictions of the network in `weights` by its head for `source`: as those of `fine_tune`.

    Columns: repeat, fold, track_id, label, prediction, and `tag` where a track has several. A split whose predictions
    are not finite has no rows.
    """
    device = torch.device(device)
    network, statistics, _ = load_network(weights)
    reader = crop_reader(store, statistics, crop_frames, device)
    network.to(device)

    @torch.inference_mode()
    def probabilities(crops: Tensor) -> Tensor:
        return probabilities_of(network, crops, source)

    rows = store.positions(data.track_ids)
    tables = [no_predictions()]
    for split in splits:
        means = mean_over_crops(*of_crops(probabilities, reader, rows[split.test]))
        if np.isfinite(means).all():
            predictions = means if data.task == "multilabel" else as_classes(means)
            tables.append(prediction_rows(data, split, predictions))
    return pd.concat(tables[1:] or tables, ignore_index=True)


def probabilities_of(network: Network, crops: Tensor, source: str) -> Tensor:
    """P(factor | crop) by the head for a source, (batch, factors)."""
    position = list(network.source_factors).index(source)
    shared = network.trunk(crops)
    features = network.branches[position](shared) if network.branches else shared
    outputs: Tensor = network.heads[position](features)
    return objective(network.objectives[source]).probabilities(outputs)
