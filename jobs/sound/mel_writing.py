"""Writing a mel store: several processes decode files, and the store is written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from rich.console import Console
from rich.progress import track

from jobs.sound.content_hashes import HASHES, content_hashes
from jobs.sound.decode import convert, read_sound
from jobs.sound.mel_store import (
    FRAMES,
    INDEX,
    SETTINGS,
    TOP_DB,
    Counts,
    MelStore,
    encode,
    frames_digest,
    read_mel_store,
)
from jobs.sound.spectra import mel_db
from study.core.digests import sealed_json, sealed_parquet
from study.core.errors import Fault, InputFaults, raise_all
from study.core.sections import Mel
from study.core.writing import folder_whole, write_whole, written_whole

COLUMNS = (
    "track_id",
    "first_frame",
    "n_frames",
    "n_sound_frames",
    "peak_db",
    "content_hash",
    "frames_sha256",
    "file_channels",
)
NUMBERS = {"first_frame": "int64", "n_frames": "int64", "n_sound_frames": "int64", "peak_db": "float32"}

CLIPS_A_WORKER = 250
"""Fewer clips take less time than importing torch in another process."""


@dataclass(frozen=True)
class Clip:
    """A decoded file for the store, or the faults that exclude it. `duration_s` is the file's own."""

    frames: np.ndarray | None = None
    frames_sha256: str = ""
    duration_s: float = 0.0
    n_sound_frames: int = 0
    peak_db: float = 0.0
    file_channels: int = 0
    faults: tuple[Fault, ...] = ()


def write_mel_store(
    folder: Path,
    tracks: pd.DataFrame,
    sample_rate_hz: int,
    channels: int,
    mel: Mel,
    crop_frames: int,
    on_broken: str = "stop",
    workers: int = 1,
    hashes: list[str | None] | None = None,
) -> MelStore:
    """Decode `tracks` (columns track_id, path; no id twice) into a mel store at `folder`, replacing any store
    there.

    The bytes written do not depend on `workers`, each a process of one thread. Progress is shown on a
    terminal. `hashes` are those of the files' contents, if known (None: they are computed here). Raises InputFaults
    with every unreadable file if `on_broken` is "stop", or if "drop" leaves none, and with every file that changed
    while the store was made."""
    folder = Path(folder)
    paths = [str(path) for path in tracks["path"]]
    with folder_whole(folder) as temporary:
        cache = folder.parent / HASHES
        hashes = content_hashes(paths, cache, workers) if hashes is None else hashes
        settings = {
            "sample_rate_hz": sample_rate_hz,
            "channels": channels,
            "mel": mel,
            "crop_frames": crop_frames,
        }
        clips = read_clips(paths, workers, f"sound of {folder.name}", **settings)
        index, faults = _write_frames(temporary / FRAMES, tracks["track_id"].astype(str), hashes, clips, channels, mel)
        if faults and (on_broken == "stop" or index.empty):
            raise InputFaults(fault for of_track in faults.values() for fault in of_track)
        now = content_hashes(paths, cache, workers)
        raise_all(
            Fault(path, "", None, "changed while it was read; launch again", cause="changed while it was read")
            for path, before, after in zip(paths, hashes, now, strict=True)
            if before != after
        )
        counts = Counts(
            mono_doubled=int((index["file_channels"] < channels).sum()),
            mixed_down=int((index["file_channels"] > channels).sum()),
            padded=int((index["n_sound_frames"] < index["n_frames"]).sum()),
            dropped=len(faults),
        )
        dropped = {track_id: str(of_track[0]) for track_id, of_track in faults.items()}
        description = settings | {"mel": mel.model_dump(), "counts": asdict(counts), "dropped": dropped}
        table = pa.Table.from_pandas(index.drop(columns="file_channels"), preserve_index=False)
        write_whole(temporary / INDEX, sealed_parquet(table))
        write_whole(temporary / SETTINGS, sealed_json(description))
    return read_mel_store(folder)


def _write_frames(
    path: Path,
    track_ids: Iterable[str],
    hashes: list[str | None],
    clips: Iterator[Clip],
    channels: int,
    mel: Mel,
) -> tuple[pd.DataFrame, dict[str, tuple[Fault, ...]]]:
    """Append the clips' frames to one .npy file; return their index, and the faults of unreadable ones."""
    rows, faults, first = [], {}, 0
    with written_whole(path) as file:
        _write_header(file, mel.store, (0, channels, mel.n_mels))
        for track_id, sha256, clip in zip(track_ids, hashes, clips, strict=True):
            if clip.frames is None:
                faults[track_id] = clip.faults
                continue
            file.write(clip.frames.data)
            n_frames = len(clip.frames)
            rows.append(
                (
                    track_id,
                    first,
                    n_frames,
                    clip.n_sound_frames,
                    clip.peak_db,
                    sha256,
                    clip.frames_sha256,
                    clip.file_channels,
                )
            )
            first += n_frames
        _write_header(file, mel.store, (first, channels, mel.n_mels))
    return pd.DataFrame(rows, columns=COLUMNS).astype(NUMBERS), faults


def _clip(path: str, sample_rate_hz: int, channels: int, mel: Mel, crop_frames: int) -> Clip:
    """Decode a file into frames to store, padded at its end with its floor to at least one crop."""
    try:
        sound, from_hz = read_sound(path)
    except InputFaults as error:
        return Clip(faults=error.faults)
    decibels = mel_db(convert(sound, from_hz, sample_rate_hz, channels), sample_rate_hz, mel)
    peak_db = float(decibels.max())
    padding = ((0, max(0, crop_frames - len(decibels))), (0, 0), (0, 0))
    padded = np.pad(decibels, padding, constant_values=peak_db - TOP_DB)
    duration_s = sound.shape[1] / from_hz
    frames = encode(padded, peak_db, mel.store)
    return Clip(frames, frames_digest(frames), duration_s, len(decibels), peak_db, sound.shape[0])


def read_clips(
    paths: list[str], workers: int, description: str, *, sample_rate_hz: int, channels: int, mel: Mel, crop_frames: int
) -> Iterator[Clip]:
    """Decode files, in order, in `workers` processes of one thread each; on a terminal, show progress."""
    prepare = partial(_clip, sample_rate_hz=sample_rate_hz, channels=channels, mel=mel, crop_frames=crop_frames)
    quiet, console = not sys.stderr.isatty(), Console(stderr=True)
    shown = partial(track, total=len(paths), description=description, console=console, disable=quiet)
    workers = min(workers, -(-len(paths) // CLIPS_A_WORKER))
    if workers <= 1:
        with _one_thread():
            yield from shown(map(prepare, paths))
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        yield from shown(pool.map(prepare, paths, chunksize=8))


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _write_header(file: BinaryIO, kind: str, shape: tuple[int, ...]) -> None:
    """Write the header of an .npy file; NumPy leaves room in it for the first axis to grow."""
    file.seek(0)
    description = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(kind)),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, description)
