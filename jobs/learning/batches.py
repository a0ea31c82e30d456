"""What a step sees: tracks at random, a crop at random of each, as one standardised batch.

Nothing here goes item by item: indices are drawn as arrays, and the crops of a batch are one gather.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jobs.sound.mel_store import MelStore, gather_crops

Statistics = tuple[np.ndarray, np.ndarray]
"""Mean and deviation of each band in dB over the corpus's training tracks, (n_mels,) each."""


@dataclass(frozen=True)
class CropReader:
    """A mel store with what turns its crops into a network's input."""

    store: MelStore
    mean: Tensor
    scale: Tensor
    crop_frames: int
    device: torch.device

    def read(self, tracks: np.ndarray, starts: np.ndarray) -> Tensor:
        """Standardised crops on the device, float32 (batch, channels, crop_frames, n_mels)."""
        crops = gather_crops(self.store, tracks, starts, self.crop_frames).to(self.device)
        return crops.sub_(self.mean).mul_(self.scale)


def crop_reader(store: MelStore, statistics: Statistics, crop_frames: int, device: torch.device) -> CropReader:
    """A reader that standardises by band: a band that never changes becomes 0."""
    mean, deviation = (np.asarray(values, dtype=np.float64) for values in statistics)
    scale = 1 / np.where(deviation > 0, deviation, 1.0)
    on_device = [torch.from_numpy(values.astype(np.float32)).to(device) for values in (mean, scale)]
    return CropReader(store, *on_device, crop_frames, device)


def draw_tracks(generator: np.random.Generator, tracks: np.ndarray, n: int) -> np.ndarray:
    """`n` of the tracks in random order, each at most once; with replacement only where there are fewer than `n`."""
    return generator.choice(tracks, n, replace=n > len(tracks))


def draw_pairs(generator: np.random.Generator, tracks: np.ndarray, n: int) -> np.ndarray:
    """`n` pairs as (2 n,): the left tracks, then the right ones. Raises ValueError for fewer than two tracks.

    The first n // 2 pairs are of one track each, the others of two different ones (paper 3.1.2).
    """
    if len(tracks) < 2:
        raise ValueError(f"pairs of different tracks need 2 tracks or more, and there are {len(tracks)}")
    left = draw_tracks(generator, np.arange(len(tracks)), n)
    apart = generator.integers(1, len(tracks), n)
    apart[: n // 2] = 0
    return tracks[np.concatenate((left, (left + apart) % len(tracks)))]


def pair_labels(n: int, device: torch.device) -> Tensor:
    """Of `draw_pairs`: 1 for the same track, 0 for different ones (Eq. 6), int64 (n,)."""
    return (torch.arange(n, device=device) < n // 2).long()


def draw_starts(generator: np.random.Generator, store: MelStore, tracks: np.ndarray, crop_frames: int) -> np.ndarray:
    """First frame of a crop of each track, uniform over all crops that lie within it."""
    return generator.integers(0, store.n_frames[tracks] - crop_frames + 1)
