"""The input of a step: a standardised batch of random crops of random tracks.

Nothing is done item by item: indices are drawn as arrays, and the crops of a batch are one gather, on the device if
the store is there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from jobs.sound.mel_store import MelStore, check_frames, crop_decibels, first_frames, gather_codes, padded_from

Statistics = tuple[np.ndarray, np.ndarray]
"""Mean and deviation of each band in dB over the corpus's training tracks, (n_mels,) each."""

AHEAD = 3
"""Batches prepared ahead of the device."""
TRAINING_BYTES = 4 << 30
"""GPU memory for a training, without the store: weights, activations, CUDA graphs. Worked out, not measured."""
UPLOADED_FRAMES = 1 << 20
"""Frames of a store copied to the device at a time."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class CropReader:
    """A mel store with all that turns its crops into network input; `resident` holds its frames on the device."""

    store: MelStore
    mean: Tensor
    scale: Tensor
    crop_frames: int
    device: torch.device
    resident: Tensor | None = None

    def read(self, tracks: np.ndarray, starts: np.ndarray) -> Tensor:
        """Standardised crops on the device, float32 (batch, channels, crop_frames, n_mels)."""
        codes, peak_db = (part.to(self.device, non_blocking=True) for part in self.gather(tracks, starts))
        return self.standardised(codes, peak_db)

    def read_slices(self, tracks: np.ndarray, starts: np.ndarray) -> Tensor:
        """As `read`, of crops that may reach beyond the end of their clip, where they are padded with its floor."""
        within = np.minimum(starts, self.store.n_frames[tracks] - self.crop_frames)
        codes, peak_db = self.gather(tracks, within)
        for row in np.flatnonzero(starts > within):
            codes[row] = padded_from(codes[row], int(starts[row] - within[row]))
        return self.standardised(codes.to(self.device), peak_db.to(self.device))

    def gather(self, tracks: np.ndarray, starts: np.ndarray) -> tuple[Tensor, Tensor]:
        """Crops in stored form, (batch, crop_frames, channels, n_mels), and their clips' peaks in dB, (batch,).

        On the device if the store is; else in pinned host memory, from which a GPU copies without synchronising.
        """
        if self.resident is None:
            codes, peaks = gather_codes(self.store, tracks, starts, self.crop_frames)
            return (codes.pin_memory(), peaks.pin_memory()) if self.device.type == "cuda" else (codes, peaks)
        firsts = first_frames(self.store, tracks, starts, self.crop_frames)
        rows = torch.from_numpy(firsts).to(self.device, non_blocking=True)
        peak_db = torch.from_numpy(self.store.peak_db[tracks]).to(self.device, non_blocking=True)
        return self.resident[rows[:, None] + torch.arange(self.crop_frames, device=self.device)], peak_db

    def standardised(self, codes: Tensor, peak_db: Tensor) -> Tensor:
        """Crops of `gather` as network input; in a compiled network this is fused with loading them."""
        return crop_decibels(codes, peak_db).sub_(self.mean).mul_(self.scale)


def crop_reader(
    store: MelStore, statistics: Statistics, crop_frames: int, device: torch.device, resident: bool = False
) -> CropReader:
    """A reader that standardises by band; a constant band becomes 0. `resident` copies the store to the device."""
    mean, deviation = (np.asarray(values, dtype=np.float64) for values in statistics)
    scale = 1 / np.where(deviation > 0, deviation, 1.0)
    on_device = [torch.from_numpy(values.astype(np.float32)).to(device) for values in (mean, scale)]
    return CropReader(store, *on_device, crop_frames, device, _uploaded(store, device) if resident else None)


def fits_on(device: torch.device, n_bytes: int, gpu_share: float) -> bool:
    """Whether a store of `n_bytes` may be copied to a device: only to a GPU with room for it in the run's share."""
    if device.type != "cuda":
        return False
    free, total = torch.cuda.mem_get_info(device)
    # memory that PyTorch still reserves from an earlier training is free for this process
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return leaves_room(n_bytes, free, gpu_share * total)


def leaves_room(n_bytes: int, free: int, share: float) -> bool:
    """Whether a training has room next to a store in a GPU's `free` memory and in its `share`, all in bytes.

    It needs `TRAINING_BYTES`, or half of the smaller of the two if that is less.
    """
    most = min(free, share)
    return n_bytes + min(TRAINING_BYTES, most / 2) <= most


def prefetched(items: Iterator[Item]) -> Iterator[Item]:
    """The same items in the same order, made by another thread a few ahead of their use."""
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, items) for _ in range(AHEAD))
        while True:
            item = coming.popleft().result()
            coming.append(thread.submit(next, items))
            yield item


def draw_tracks(generator: np.random.Generator, tracks: np.ndarray, n: int) -> np.ndarray:
    """`n` of the tracks in random order, each at most once; with replacement only if there are fewer than `n`."""
    return generator.choice(tracks, n, replace=n > len(tracks))


def draw_pairs(generator: np.random.Generator, tracks: np.ndarray, n: int) -> np.ndarray:
    """`n` pairs as (2 n,): the left tracks, then the right ones. Raises ValueError for fewer than two tracks.

    The first n // 2 pairs have one track each, the others two different tracks (paper 3.1.2).
    """
    if len(tracks) < 2:
        raise ValueError(f"pairs of different tracks need 2 or more tracks; there are {len(tracks)}")
    left = draw_tracks(generator, np.arange(len(tracks)), n)
    apart = generator.integers(1, len(tracks), n)
    apart[: n // 2] = 0
    return tracks[np.concatenate((left, (left + apart) % len(tracks)))]


def pair_labels(n: int, device: torch.device) -> Tensor:
    """Labels of `draw_pairs`: 1 for the same track, 0 for different tracks (Eq. 6), int64 (n,)."""
    return (torch.arange(n, device=device) < n // 2).long()


def draw_starts(generator: np.random.Generator, store: MelStore, tracks: np.ndarray, crop_frames: int) -> np.ndarray:
    """First frame of a crop of each track, uniform over all crops that lie within it."""
    return generator.integers(0, store.n_frames[tracks] - crop_frames + 1)


def _uploaded(store: MelStore, device: torch.device) -> Tensor:
    check_frames(store, np.arange(len(store)))
    dtype = torch.from_numpy(np.empty(0, store.frames.dtype)).dtype
    uploaded = torch.empty(store.frames.shape, dtype=dtype, device=device)
    for first in range(0, len(store.frames), UPLOADED_FRAMES):
        block = slice(first, first + UPLOADED_FRAMES)
        uploaded[block] = torch.from_numpy(np.array(store.frames[block]))  # a copy: the map itself is read-only
    return uploaded
