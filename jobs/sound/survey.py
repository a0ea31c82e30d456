"""A first survey of sound files: format, length, rate and channels of each, and which are broken."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jobs.sound.decode import read_sound
from study.core.errors import Fault, InputFaults


@dataclass(frozen=True)
class Clip:
    """A sound file that decodes. `stereo`: it has several channels, and they differ."""

    path: Path
    format: str
    seconds: float
    sample_rate_hz: int
    stereo: bool


def survey(paths: Sequence[Path], workers: int = 1) -> tuple[list[Clip], list[Fault]]:
    """The clips that decode to their end, in the order of `paths`, and a fault for every other file."""

    def look(path: Path) -> Clip | tuple[Fault, ...]:
        try:
            sound, rate_hz = read_sound(path)
        except InputFaults as error:
            return error.faults
        stereo = len(sound) > 1 and not all(np.array_equal(sound[0], channel) for channel in sound[1:])
        return Clip(path, path.suffix[1:].upper(), sound.shape[1] / rate_hz, rate_hz, stereo)

    with ThreadPoolExecutor(workers) as pool:  # libsndfile releases Python's lock
        surveyed = list(pool.map(look, paths))
    clips = [item for item in surveyed if isinstance(item, Clip)]
    return clips, [fault for item in surveyed if not isinstance(item, Clip) for fault in item]
