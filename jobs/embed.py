"""A trained network's representation of any sound files. Only the weights are needed; their header has the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pydantic import BaseModel, Field, Strict

from jobs.learning.batches import Statistics
from jobs.learning.representation import GROUP_CROPS, load_network, represent
from jobs.networks.branching import Network
from jobs.sound.decode import SUFFIXES
from jobs.sound.mel_store import Counts, MelStore
from jobs.sound.mel_writing import Clip, read_clips
from jobs.steps import limited_threads
from study.core.cost import n_slices
from study.core.errors import Damaged, Fault, InputFaults, RunFailed
from study.core.fault_list import in_short
from study.core.sections import Mel
from study.core.writing import written_whole


class Described(BaseModel):
    """What embedding needs of the header of weights, which may be a stranger's."""

    run_id: Annotated[str, Strict(), Field(max_length=200)]
    mel: Mel
    sample_rate_hz: Annotated[int, Strict(), Field(ge=4000, le=192000)]
    channels: Literal[1, 2]
    threads: Annotated[int, Strict(), Field(ge=1, le=4096)] = 1


def embed(weights: Path, sounds: Sequence[Path], out: Path, workers: int = 1, pad: bool = False) -> list[Fault]:
    """Write one row per sound to the Parquet file `out`; return the faults of sounds that are left out.

    A sound is left out if it cannot be read, its vector is not finite, or (unless `pad`) it is shorter than a crop.
    `pad` extends such sound by its own floor to one crop, as a study does with short clips.
    Columns: path, run_id, duration_s (of the file), n_crops, and representation, 2 * dim float32 of fixed length:
    the vector that the study has for such sound (`represent`), identical to the bit on a CPU.
    Raises InputFaults if the weights are not from a run. Raises RunFailed and writes nothing if no sound is left.
    """
    network, statistics, of = _read_weights(weights)
    crop_frames = of.mel.crop_frames(of.sample_rate_hz)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    faults: list[Fault] = []

    with written_whole(out) as sink:
        clips = read_clips(
            list(map(str, sounds)),
            workers,
            f"sound to {out.name}",
            sample_rate_hz=of.sample_rate_hz,
            channels=of.channels,
            mel=of.mel,
            crop_frames=crop_frames,
        )
        with pq.ParquetWriter(sink, _schema(network.representation_dim)) as file:
            for group in _groups(sounds, clips, crop_frames, of.mel.crop_s, pad, faults):
                store = _store(group)
                with limited_threads(of.threads):
                    vectors = represent(network, store, statistics, crop_frames, device)
                finite = np.isfinite(vectors).all(axis=1)
                cause = "sound whose vector is not finite"
                faults.extend(
                    Fault(path, "representation", None, "not finite", cause=cause) for path in store.track_ids[~finite]
                )
                columns = [
                    list(store.track_ids),
                    [of.run_id] * len(group),
                    [clip.duration_s for _, clip in group],
                    n_slices(store.n_sound_frames, crop_frames).tolist(),
                    pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1]),
                ]
                file.write_table(pa.table(columns, schema=file.schema).filter(pa.array(finite)))
        if len(faults) == len(sounds):
            left_out = in_short(faults, fault_list_of(out))
            raise RunFailed(f"{left_out}\nno sound is left, so {out} was not written")
    return faults


def _read_weights(path: Path) -> tuple[Network, Statistics, Described]:
    """Raises InputFaults if the file has no weights of a run."""
    try:
        network, statistics, description = load_network(path)
        of = Described.model_validate(description)
        if (of.channels, of.mel.n_mels) != (network.channels, network.n_mels):
            raise ValueError(f"a network of {network.channels} channels and {network.n_mels} bands for other sound")
    except Damaged as damaged:
        raise InputFaults([Fault("", "RUN", str(path), f"not the weights of a run: {damaged.why}")]) from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputFaults([Fault(str(path), "", None, f"not the weights of a run: {error}")]) from None
    return network, statistics, of


def _schema(representation_dim: int) -> pa.Schema:
    return pa.schema(
        [
            ("path", pa.string()),
            ("run_id", pa.string()),
            ("duration_s", pa.float64()),
            ("n_crops", pa.int32()),
            ("representation", pa.list_(pa.float32(), 2 * representation_dim)),
        ]
    )


def fault_list_of(out: Path) -> Path:
    """The file that lists the faults of all sounds missing from `out`."""
    return out.with_name(f"{out.stem}-faults.csv")


def sounds_in(folder: Path) -> list[Path]:
    """The sound files in a folder and those below it, by their suffix, in alphabetical order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _groups(
    sounds: Sequence[Path], clips: Iterator[Clip], crop_frames: int, crop_s: float, pad: bool, faults: list[Fault]
) -> Iterator[list[tuple[Path, Clip]]]:
    """Groups of readable sounds of about `GROUP_CROPS` crops; the faults of the others go to `faults`."""
    group: list[tuple[Path, Clip]] = []
    n_crops = 0
    for path, clip in zip(sounds, clips, strict=True):
        if clip.frames is None:
            faults.append(clip.faults[0])
        elif clip.n_sound_frames < crop_frames and not pad:
            expected = f"shorter than a crop; expected {crop_s:g} s or more, or --pad"
            faults.append(
                Fault(str(path), "duration_s", round(clip.duration_s, 3), expected, cause=f"sound {expected}")
            )
        else:
            group.append((path, clip))
            n_crops += int(n_slices(clip.n_sound_frames, crop_frames))
        if n_crops >= GROUP_CROPS:
            yield group
            group, n_crops = [], 0
    if group:
        yield group


def _store(group: list[tuple[Path, Clip]]) -> MelStore:
    """A mel store of the clips, in memory."""
    clips = [clip for _, clip in group]
    n_frames = np.array([len(clip.frames) for clip in clips])
    return MelStore(
        folder=Path(),
        track_ids=np.array([str(path) for path, _ in group], dtype=object),
        first_frame=np.cumsum(n_frames) - n_frames,
        n_frames=n_frames,
        n_sound_frames=np.array([clip.n_sound_frames for clip in clips]),
        peak_db=np.array([clip.peak_db for clip in clips], dtype=np.float32),
        content_hash=np.full(len(clips), None),
        frames=np.concatenate([clip.frames for clip in clips]),
        counts=Counts(),
    )
