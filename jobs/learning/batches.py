"""What a step sees: tracks at random, a crop at random of each, as one standardised batch.

Nothing here goes item by item: indices are drawn as arrays, and the crops of a batch are one gather, on the device
itself where the store lies there.
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

from jobs.sound.mel_store import MelStore, crop_decibels, first_frames, gather_codes

Statistics = tuple[np.ndarray, np.ndarray]
"""Mean and deviation of each band in dB over the corpus's training tracks, (n_mels,) each."""

AHEAD = 3
"""Batches that are ready before the device asks for them."""
TRAINING_BYTES = 4 << 30
"""Of a GPU, beside the store: weights, activations and what CUDA graphs set aside; worked out, not measured."""
UPLOADED_FRAMES = 1 << 20
"""Frames of a store that go to the device at a time."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class CropReader:
    """A mel store with what turns its crops into a network's input; `resident` is its frames on the device."""

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

    def gather(self, tracks: np.ndarray, starts: np.ndarray) -> tuple[Tensor, Tensor]:
        """Crops as they are stored, (batch, crop_frames, channels, n_mels), and their clips' peaks in dB, (batch,).

        On the device if the store is; else in the host's memory, from where a GPU can fetch them without a stop.
        """
        if self.resident is None:
            found = gather_codes(self.store, tracks, starts, self.crop_frames)
            return (found[0].pin_memory(), found[1].pin_memory()) if self.device.type == "cuda" else found
        firsts = first_frames(self.store, tracks, starts, self.crop_frames)
        rows = torch.from_numpy(firsts).to(self.device, non_blocking=True)
        peak_db = torch.from_numpy(self.store.peak_db[tracks]).to(self.device, non_blocking=True)
        return self.resident[rows[:, None] + torch.arange(self.crop_frames, device=self.device)], peak_db

    def standardised(self, codes: Tensor, peak_db: Tensor) -> Tensor:
        """Crops of `gather` as a network takes them; a compiled network does it while it loads them."""
        return crop_decibels(codes, peak_db).sub_(self.mean).mul_(self.scale)


def crop_reader(
    store: MelStore, statistics: Statistics, crop_frames: int, device: torch.device, resident: bool = False
) -> CropReader:
    """A reader that standardises by band: one that never changes becomes 0. `resident` puts the store on the device."""
    mean, deviation = (np.asarray(values, dtype=np.float64) for values in statistics)
    scale = 1 / np.where(deviation > 0, deviation, 1.0)
    on_device = [torch.from_numpy(values.astype(np.float32)).to(device) for values in (mean, scale)]
    return CropReader(store, *on_device, crop_frames, device, _uploaded(store, device) if resident else None)


def fits_on(device: torch.device, n_bytes: int, gpu_share: float) -> bool:
    """Whether a store of `n_bytes` may lie on a device: on a GPU that has room for it, for a run of this share."""
    if device.type != "cuda":
        return False
    free, total = torch.cuda.mem_get_info(device)
    # what PyTorch keeps of an earlier training in this process is not free to others, but is to this one
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return leaves_room(n_bytes, free, gpu_share * total)


def leaves_room(n_bytes: int, free: int, share: float) -> bool:
    """Whether a training still has room beside a store: in what is `free` of a card, and in its `share`, all in bytes.

    Room is `TRAINING_BYTES`, or half of the lesser of the two where that is less.
    """
    most = min(free, share)
    return n_bytes + min(TRAINING_BYTES, most / 2) <= most


def prefetched(items: Iterator[Item]) -> Iterator[Item]:
    """The same items in the same order, made by a thread of their own a few ahead of their use."""
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, items) for _ in range(AHEAD))
        while True:
            item = coming.popleft().result()
            coming.append(thread.submit(next, items))
            yield item


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


def _uploaded(store: MelStore, device: torch.device) -> Tensor:
    dtype = torch.from_numpy(np.empty(0, store.frames.dtype)).dtype
    uploaded = torch.empty(store.frames.shape, dtype=dtype, device=device)
    for first in range(0, len(store.frames), UPLOADED_FRAMES):
        block = slice(first, first + UPLOADED_FRAMES)
        uploaded[block] = torch.from_numpy(np.array(store.frames[block]))  # a copy: the map itself is read-only
    return uploaded
