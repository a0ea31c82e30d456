"""The transferred representation: weights on disk, and the vector of each track.

A track is cut into non-overlapping slices, each as long as a crop, until all of it is heard (`n_slices`); each
dimension of the network's representation is described by its mean and standard deviation (ddof = 0) over them (Kim et
al. 2019, 4.4.2). The last slice is padded with the clip's floor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from jobs.learning.batches import CropReader, Statistics, crop_reader, draw_starts
from jobs.learning.precision import use_float32
from jobs.networks.branching import Network, build_network
from jobs.records import TRAIN_AGAIN
from jobs.sound.mel_store import MelStore
from study.core.backbones import BACKBONES
from study.core.cost import n_parameters, n_slices
from study.core.digests import BLANK, KEY, read_needed, sealed
from study.core.writing import write_whole

HEADER = "representation"
"""The key of a weights file's metadata that holds, as JSON, `network` and `description`."""
BATCH_CROPS = 128
GROUP_CROPS = 1024
"""Crops whose representations are in memory at a time."""


def represent(
    network: Network,
    store: MelStore,
    statistics: Statistics,
    crop_frames: int,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Means, then SDs, of every dimension over each track's slices: (n_tracks, 2 * dim) float32.

    Tracks are in the store's order. A track with one slice has SD 0.
    """
    network.to(torch.device(device))
    return over_slices(network.representation, store, statistics, crop_frames, device)


def over_slices(
    compute: Callable[[Tensor], Tensor],
    store: MelStore,
    statistics: Statistics,
    crop_frames: int,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """As `represent`, of any function of standardised crops."""
    reader = crop_reader(store, statistics, crop_frames, torch.device(device))
    vectors = []
    for tracks in groups_of_tracks(n_slices(store.n_sound_frames, crop_frames)):
        with use_float32("float32"):
            values, of_track = of_crops(compute, reader, tracks)
        mean = mean_over_crops(values, of_track)
        variance = mean_over_crops(np.square(values - mean[of_track]), of_track)
        vectors.append(np.concatenate((mean, np.sqrt(variance)), axis=1, dtype=np.float32))
    return np.concatenate(vectors)


def of_crops(
    compute: Callable[[Tensor], Tensor], reader: CropReader, tracks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`compute` of every slice, float64 (n_crops, d), and the slice's index in `tracks` (n_crops,).

    The last batch is filled up with its last crop: the bits of a crop's values depend on the size of its batch, but
    not on the other crops, so a track always has the same vector.
    """
    counts = n_slices(reader.store.n_sound_frames[tracks], reader.crop_frames)
    of_track = np.repeat(np.arange(len(tracks)), counts)
    n_crops = len(of_track)
    starts = (np.arange(n_crops) - (np.cumsum(counts) - counts)[of_track]) * reader.crop_frames
    filled = np.minimum(np.arange(-(-n_crops // BATCH_CROPS) * BATCH_CROPS), n_crops - 1).reshape(-1, BATCH_CROPS)
    parts = [
        compute(reader.read_slices(tracks[of_track[batch]], starts[batch])).double().cpu().numpy() for batch in filled
    ]
    return np.concatenate(parts)[:n_crops], of_track


def mean_over_crops(values: np.ndarray, of_track: np.ndarray) -> np.ndarray:
    """The mean of each track's crops (n_tracks, d) from values (n_crops, d); `of_track` as from `of_crops`."""
    firsts = np.flatnonzero(np.diff(of_track, prepend=-1))
    return np.add.reduceat(values, firsts) / np.bincount(of_track)[:, None]


def set_normalisations(
    network: Network,
    store: MelStore,
    statistics: Statistics,
    tracks: np.ndarray,
    crop_frames: int,
    seed: np.random.SeedSequence,
    device: str | torch.device = "cpu",
) -> None:
    """Make an untrained network the baseline Random: set its batch normalisations in one pass over the corpus.

    They hold the mean moments of batches of about 128 of `tracks`, a random crop of each. The network is left on
    the device, in evaluation mode.
    """
    device = torch.device(device)
    network.to(device)
    reader = crop_reader(store, statistics, crop_frames, device)
    generator = np.random.default_rng(seed)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = None  # cumulative average over batches
    network.train()
    with torch.no_grad(), use_float32("float32"):
        for batch in np.array_split(generator.permutation(tracks), max(1, round(len(tracks) / BATCH_CROPS))):
            network.trunk(reader.read(batch, draw_starts(generator, store, batch, crop_frames)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


def save_weights(path: Path, network: Network, statistics: Statistics, description: dict[str, Any]) -> None:
    """Write a network as safetensors: its weights, the corpus's band statistics, and how to build it.

    `description` is stored in the header: anything that JSON can hold, such as the run and its sound settings.
    The same network, statistics and description give the same bytes.
    """
    tensors = {f"network.{name}": tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    for name, values in zip(("band_mean", "band_deviation"), statistics, strict=True):
        tensors[name] = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))
    # one key, since safetensors writes several in random order
    header = json.dumps({"network": network.specification, "description": description, KEY: BLANK}, allow_nan=False)
    # as bytes: safetensors' own file could be read by its owner only
    write_whole(path, sealed(save(tensors, {HEADER: header})))


def load_network(path: Path) -> tuple[Network, Statistics, dict[str, Any]]:
    """Load what `save_weights` wrote: the network (on the CPU, in evaluation mode), statistics and description.

    Raises Damaged if the file is missing, not what was written, or something else, and InputFaults if it cannot be
    read at all.
    """
    return read_needed(path, _network, TRAIN_AGAIN)


def _network(content: bytes) -> tuple[Network, Statistics, dict[str, Any]]:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][HEADER])
    tensors = load(content)
    _check_size(header["network"], tensors)
    network = build_network(**header["network"], seed=np.random.SeedSequence(0))
    statistics = tensors.pop("band_mean").numpy(), tensors.pop("band_deviation").numpy()
    network.load_state_dict({name.removeprefix("network."): tensor for name, tensor in tensors.items()})
    return network.eval(), statistics, header["description"]


def _check_size(network: dict[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Raise ValueError if the header states a larger network than the file holds, before one is built."""
    architecture = {key: value for key, value in network.items() if key != "activation"}
    if network["backbone"] in BACKBONES and n_parameters(**architecture) > sum(
        tensor.numel() for tensor in tensors.values()
    ):
        raise ValueError("the header states more parameters than there are")


def groups_of_tracks(n_crops: np.ndarray) -> list[np.ndarray]:
    """Groups of consecutive tracks with about `GROUP_CROPS` crops in total."""
    number = np.cumsum(n_crops) // GROUP_CROPS
    return np.split(np.arange(len(n_crops)), np.flatnonzero(np.diff(number)) + 1)
