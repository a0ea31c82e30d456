"""The mel store: every clip's dB-mel in one memory-mapped array, so that a batch of crops is one gather.

A folder with
    frames.npy      (total_frames, channels, n_mels), a clip's frames in sequence: a crop is one run of bytes;
                    uint8: 0 to 255 for 80 to 0 dB below the clip's peak (at most 0.16 dB off), or
                    float16: dB below the peak
    index.parquet   track_id, first_frame, n_frames, n_sound_frames, peak_db, content_hash, frames_sha256; one row per
                    clip
    store.json      its settings, and the numbers of clips doubled, mixed down, padded and dropped
The last two hold a digest of themselves (`study.core.digests`); a clip's frames have theirs in the index, and it is
checked when a process first uses them.
Clips shorter than a crop are padded with their floor (80 dB below the peak) to one crop; those frames do not
count as sound.
"""

from __future__ import annotations

import hashlib
import math
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from study.core.digests import facts_of, read_needed, table_of, unreadable_fault
from study.core.errors import Damaged, Fault, InputFaults

if TYPE_CHECKING:
    import torch

FRAMES, INDEX, SETTINGS = "frames.npy", "index.parquet", "store.json"
CODES = 255
TOP_DB = 80.0
"""A clip spans this many dB below its loudest mel value over all channels; softer values are set to that floor."""
LONGEST_HEADER = 4096
"""Bytes of an .npy file before its array."""
AGAIN = "`study prepare` makes it again"

_CHECKED: dict[tuple[str, int, int, int, int], np.ndarray] = {}


@dataclass(frozen=True)
class Counts:
    """Numbers of clips by treatment; `dropped` are left out because they cannot be read."""

    mono_doubled: int = 0
    mixed_down: int = 0
    padded: int = 0
    dropped: int = 0

    def __str__(self) -> str:
        return (
            f"{self.mono_doubled} mono clips doubled, {self.mixed_down} mixed down, "
            f"{self.padded} shorter than a crop and padded, {self.dropped} dropped"
        )


@dataclass(frozen=True)
class FrameDigests:
    """The SHA-256 of each clip's frames, None in stores of before; and which clips this process has found whole."""

    sha256: np.ndarray
    checked: np.ndarray


@dataclass(frozen=True)
class MelStore:
    """An open store. `frames` (total_frames, channels, n_mels) is memory-mapped and read-only; the other
    arrays have one value per clip.

    `digests` is None for a store in memory. Pass the folder, not the store, to other processes.
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
    digests: FrameDigests | None = None

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
    """Open the store in `folder`. Raises Damaged if its parts are missing, not what was written, or do not match, and
    InputFaults naming a part that cannot be read at all."""
    folder = Path(folder)
    index = read_needed(folder / INDEX, lambda content: table_of(content).to_pandas(), AGAIN)
    counts, kind, n_mels, channels = read_needed(folder / SETTINGS, _settings, AGAIN)
    if "frames_sha256" not in index:  # a store of before
        index["frames_sha256"] = None
    frames = _mapped(folder / FRAMES, kind, (int(index["n_frames"].sum()), channels, n_mels))
    columns = {name: index[name].to_numpy() for name in ("first_frame", "n_frames", "n_sound_frames", "peak_db")}
    names = {name: index[name].to_numpy(dtype=object) for name in ("track_id", "content_hash", "frames_sha256")}
    return MelStore(
        folder=folder,
        track_ids=names["track_id"],
        content_hash=names["content_hash"],
        frames=frames,
        counts=counts,
        digests=FrameDigests(names["frames_sha256"], _checked_here(folder / FRAMES, len(index))),
        **columns,
    )


def check_frames(store: MelStore, tracks: Sequence[int] | np.ndarray) -> None:
    """Compare the clips' frames with their digests, each clip once in a process. Raises Damaged naming the clip."""
    digests, tracks = store.digests, np.asarray(tracks)
    for track in () if digests is None else np.unique(tracks[~digests.checked[tracks]]):
        first = store.first_frame[track]
        frames = store.frames[first : first + store.n_frames[track]]
        if digests.sha256[track] not in (None, frames_digest(frames)):
            why = f"the frames of {store.track_ids[track]} are not what was written"
            raise Damaged(store.folder / FRAMES, why, AGAIN)
        digests.checked[track] = True


def frames_digest(frames: np.ndarray) -> str:
    """The SHA-256, in hexadecimal, of a clip's frames as they are stored."""
    return hashlib.sha256(frames.data).hexdigest()


def _settings(content: bytes) -> tuple[Counts, str, int, int]:
    facts = facts_of(content)
    return Counts(**facts["counts"]), facts["mel"]["store"], facts["mel"]["n_mels"], facts["channels"]


def _mapped(path: Path, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """The frames, mapped. What their file's own header says is not needed, so damage to it does no harm."""
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, ValueError):  # an empty file cannot be mapped
        raise Damaged(path, "missing or empty", AGAIN) from None
    except OSError as error:
        raise InputFaults([unreadable_fault(path, error)]) from error
    header = len(content) - math.prod(shape) * np.dtype(kind).itemsize
    if not 0 < header <= LONGEST_HEADER:
        raise Damaged(path, f"its size is not that of the {shape[0]} frames of the index", AGAIN)
    return np.frombuffer(content, kind, offset=header).reshape(shape)


def _checked_here(path: Path, n_clips: int) -> np.ndarray:
    """Which clips of this file this process has found whole (n_clips,) bool, shared by all who open the store."""
    status = path.stat()
    identity = str(path), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return _CHECKED.setdefault(identity, np.zeros(n_clips, dtype=bool))


def gather_codes(
    store: MelStore, tracks: np.ndarray, starts: np.ndarray, crop_frames: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops in stored form, (batch, crop_frames, channels, n_mels), of clip `tracks[i]` from its frame `starts[i]` on;
    and the peaks of their clips in dB, (batch,).

    One gather of contiguous runs. Raises IndexError if a crop exceeds its clip, and Damaged.
    """
    import torch  # here and below: a launch with nothing to do is without it, half a gigabyte smaller

    check_frames(store, tracks)
    firsts = first_frames(store, tracks, starts, crop_frames)
    total, channels, n_mels = store.frames.shape
    length = channels * n_mels
    runs = np.lib.stride_tricks.as_strided(
        store.frames,
        (total - crop_frames + 1, crop_frames * length),
        (length * store.frames.itemsize, store.frames.itemsize),
        writeable=False,
    )
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
        check_frames(store, [track])
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
