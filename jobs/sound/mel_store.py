"""The mel store: every clip's dB-mel in one memory-mapped array, so that a batch of crops is one gather.

A folder with
    frames.npy      (total_frames, channels, n_mels), a clip's frames in sequence: a crop is one run of bytes;
                    uint8: 0 to 255 for 80 to 0 dB below the clip's peak (at most 0.16 dB off), or
                    float16: dB below the peak
    index.parquet   track_id, first_frame, n_frames, n_sound_frames, peak_db, content_hash; one row per clip
    store.json      its settings, and the numbers of clips doubled, mixed down, padded and dropped
Clips shorter than a crop are padded with their floor (80 dB below the peak) to one crop; those frames do not
count as sound.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from study.core.errors import Fault, InputFaults

if TYPE_CHECKING:
    import torch

FRAMES, INDEX, SETTINGS = "frames.npy", "index.parquet", "store.json"
CODES = 255
TOP_DB = 80.0
"""A clip spans this many dB below its loudest mel value over all channels; softer values are set to that floor."""


@dataclass(frozen=True)
class Counts:
    """Numbers of clips by treatment; `dropped` are left out because they cannot be read."""

    mono_doubled: int = 0
    mixed_down: int = 0
    padded: int = 0
    dropped: int = 0

    def __str__(self) -> str:
        return (f"{self.mono_doubled} mono clips doubled, {self.mixed_down} mixed down, "
                f"{self.padded} shorter than a crop and padded, {self.dropped} dropped")  # fmt: skip


@dataclass(frozen=True)
class MelStore:
    """An open store. `frames` (total_frames, channels, n_mels) is memory-mapped and read-only; the other
    arrays have one value per clip.

    Pass the folder, not the store, to other processes.
    """

    folder: Path
    track_ids: np.ndarray
    first_frame: np.ndarray
    n_frames: np.ndarray
    n_sound_frames: np.ndarray
    peak_db: np.ndarray
    content_hash: np.ndarray
    frames: np.ndarray
    counts: Counts

    def __len__(self) -> int:
        return len(self.track_ids)

    @property
    def channels(self) -> int:
        return self.frames.shape[1]

    @property
    def n_mels(self) -> int:
        return self.frames.shape[2]

    def positions(self, track_ids: Iterable[str]) -> np.ndarray:
        """The positions of the tracks in the store, int64, in the given order. Raises InputFaults naming
        absent tracks."""
        asked = list(track_ids)
        absent = [track_id for track_id in asked if track_id not in self._position]
        if absent:
            raise InputFaults(
                Fault(str(self.folder), "track_id", track_id, "expected a track of this mel store")
                for track_id in absent
            )
        return np.array([self._position[track_id] for track_id in asked], dtype=np.int64)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {track_id: position for position, track_id in enumerate(self.track_ids)}


def read_mel_store(folder: Path) -> MelStore:
    """Open the store in `folder`. Raises InputFaults if it is not a store or its parts do not match."""
    folder = Path(folder)
    try:
        frames = np.load(folder / FRAMES, mmap_mode="r", allow_pickle=False)
        index = pd.read_parquet(folder / INDEX)
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFaults([Fault(str(folder), "", None, f"not a mel store: {error}")]) from None
    if len(frames) != index["n_frames"].sum():
        n_frames = f"{len(frames)} frames, {index['n_frames'].sum()} in the index"
        raise InputFaults([Fault(str(folder), "", n_frames, "damaged: expected as many frames as in the index")])
    columns = {name: index[name].to_numpy() for name in ("first_frame", "n_frames", "n_sound_frames", "peak_db")}
    names = {name: index[name].to_numpy(dtype=object) for name in ("track_id", "content_hash")}
    return MelStore(
        folder=folder,
        track_ids=names["track_id"],
        content_hash=names["content_hash"],
        frames=np.asarray(frames),
        counts=Counts(**settings["counts"]),
        **columns,
    )


def gather_codes(
    store: MelStore, tracks: np.ndarray, starts: np.ndarray, crop_frames: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops in stored form, (batch, crop_frames, channels, n_mels), of clip `tracks[i]` from its frame `starts[i]` on;
    and the peaks of their clips in dB, (batch,).

    One gather of contiguous runs. Raises IndexError if a crop exceeds its clip.
    """
    import torch  # here and below: a launch with nothing to do is without it, half a gigabyte smaller

    firsts = first_frames(store, tracks, starts, crop_frames)
    total, channels, n_mels = store.frames.shape
    length = channels * n_mels
    runs = np.lib.stride_tricks.as_strided(
        store.frames, (total - crop_frames + 1, crop_frames * length),
        (length * store.frames.itemsize, store.frames.itemsize), writeable=False,
    )  # fmt: skip
    codes = torch.from_numpy(runs[firsts]).view(-1, crop_frames, channels, n_mels)
    return codes, torch.from_numpy(store.peak_db[tracks])


def first_frames(store: MelStore, tracks: np.ndarray, starts: np.ndarray, crop_frames: int) -> np.ndarray:
    """The first frames of crops in `frames`, int64 (batch,). Raises IndexError if a crop exceeds its clip."""
    tracks, starts = np.asarray(tracks, dtype=np.int64), np.asarray(starts, dtype=np.int64)
    if ((starts < 0) | (starts + crop_frames > store.n_frames[tracks])).any():
        raise IndexError("a crop exceeds its clip")
    return store.first_frame[tracks] + starts


def padded_from(codes: torch.Tensor, first: int) -> torch.Tensor:
    """A stored crop (crop_frames, channels, n_mels) from its frame `first` on, padded at its end with the clip's
    floor."""
    import torch

    floor = 0 if codes.dtype == torch.uint8 else -TOP_DB
    return torch.cat((codes[first:], torch.full_like(codes[:first], floor)))


def crop_decibels(codes: torch.Tensor, peak_db: torch.Tensor) -> torch.Tensor:
    """Stored crops (batch, crop_frames, channels, n_mels) as dB-mel, float32 (batch, channels, crop_frames, n_mels)."""
    return _decibels(codes.transpose(1, 2).contiguous(), peak_db.view(-1, 1, 1, 1))


def band_statistics(store: MelStore, track_indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (ddof = 0) of each mel band in dB, float64 (n_mels,) each, over the sound
    frames of the clips and their channels pooled. A band that never changes has deviation 0."""
    count, total, squares = 0, np.zeros(store.n_mels), np.zeros(store.n_mels)
    for decibels in _clips(store, track_indices):
        count += len(decibels)
        total += decibels.sum(axis=0)
        squares += np.square(decibels + TOP_DB).sum(axis=0)  # shifted towards the data to lose less precision
    mean = total / count
    return mean, np.sqrt(np.maximum(squares / count - np.square(mean + TOP_DB), 0.0))


def _clips(store: MelStore, track_indices: Sequence[int] | np.ndarray) -> Iterator[np.ndarray]:
    import torch

    for track in track_indices:
        first = store.first_frame[track]
        codes = torch.from_numpy(store.frames[first : first + store.n_sound_frames[track]].copy())
        yield _decibels(codes, torch.tensor(store.peak_db[track])).double().reshape(-1, store.n_mels).numpy()


def encode(decibels: np.ndarray, peak_db: float, kind: str) -> np.ndarray:
    """dB-mel in stored form: `kind` is "uint8" or "float16"."""
    below_peak = decibels - np.float32(peak_db)
    if kind == "float16":
        return below_peak.astype(np.float16)
    return np.rint((below_peak + TOP_DB) * (CODES / TOP_DB)).clip(0, CODES).astype(np.uint8)


def _decibels(codes: torch.Tensor, peak_db: torch.Tensor) -> torch.Tensor:
    import torch

    if codes.dtype == torch.uint8:
        return codes.float().mul_(TOP_DB / CODES).add_(peak_db - TOP_DB)
    return codes.float().add_(peak_db)
