"""Sound files to samples: WAV, FLAC, OGG, MP3 and AU by libsndfile, converted to the study's rate and channels."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import soxr

from jobs.sound.mpeg_frames import NotWholeError, is_mpeg, mpeg_stream
from jobs.sound.stated_length import SHORTEST_PART, cut_off
from study.core.errors import Fault, InputFaults

LOUDEST = 1e10
"""Larger multiples of full scale are not sound, and the power of their spectra would overflow float32."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 100, 10_000_000
"""Other sample rates are errors of the header. Resampled from 1 Hz, a short file would fill the memory."""

AT_ONCE, BLOCK = 2**28, 2**20
"""Samples per channel. A file that states more is read in blocks, since they may not exist or not fit into memory."""

UNKNOWN_SAMPLES = 2**62
"""From here on, libsndfile's number of samples means that it is unknown (streamed FLAC)."""

NUMBER = re.compile(r"\d[\d.e+]*")

EXPECTED = "expected a sound file that decodes (WAV, FLAC, OGG, MP3 or AU)"
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".au")
"""The files of a folder that are read as sound."""


def read_sound(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """All samples of a file as float32 (channels, samples) and its own sample rate in Hz.

    Raises InputFaults, naming the file, if it is missing, is not sound, is cut off, is empty, states an impossible
    sample rate, or holds NaN, infinity or samples beyond `LOUDEST`."""
    try:
        if reason := _not_a_file(Path(path)):
            raise NotWholeError(reason)
        sound, sample_rate_hz = _read_mpeg(path) if is_mpeg(path) else _read_other(path)
    except (NotWholeError, soundfile.LibsndfileError, OSError, TypeError) as error:  # TypeError: .raw has no header
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
        raise _faulty(path, reason) from None
    if sound.shape[1] == 0:
        raise _faulty(path, "holds no samples")
    if not LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ:
        raise _faulty(path, f"states a sample rate of {sample_rate_hz} Hz, outside 100 Hz to 10 MHz")
    if not np.isfinite(sound).all():
        raise _faulty(path, "holds NaN or infinite samples")
    if (loudest := np.abs(sound).max()) > LOUDEST:
        raise _faulty(path, f"holds samples of {loudest:.3g} times full scale")
    return sound, sample_rate_hz


def sound_fault(path: str | os.PathLike[str], reason: str = "") -> Fault:
    """The fault of a sound file, with this reason or, without one, because it is missing, empty or not a file."""
    reason = reason or _not_a_file(Path(path)) or "cannot be read"
    return Fault(str(path), "sound", reason, EXPECTED, cause=f"sound: {NUMBER.sub('...', reason)}")


def _not_a_file(path: Path) -> str:
    if not path.exists():
        return "no such file"
    if not path.is_file():
        return "not a regular file"
    return "" if path.stat().st_size else "is empty, a file of 0 bytes"


def convert(sound: np.ndarray, from_hz: int, sample_rate_hz: int, channels: int) -> np.ndarray:
    """(any channels, samples) at `from_hz` to float32 (channels, samples) at `sample_rate_hz`.

    Mono is copied to every channel; surplus channels are first mixed down to their mean.
    Resampled by soxr at its high quality (band-limited, 100 dB), which keeps aliases below the 80 dB that a
    mel clip spans."""
    if sound.shape[0] > channels:
        sound = sound.mean(axis=0, keepdims=True)
    if from_hz != sample_rate_hz:
        sound = soxr.resample(np.ascontiguousarray(sound.T), from_hz, sample_rate_hz, quality="HQ").T
    if sound.shape[0] < channels:
        sound = np.repeat(sound.mean(axis=0, keepdims=True), channels, axis=0)
    return np.ascontiguousarray(sound, dtype=np.float32)


def decode(path: str | os.PathLike[str], sample_rate_hz: int, channels: int) -> np.ndarray:
    """A sound file as float32 (channels, samples) at `sample_rate_hz`. Raises InputFaults as `read_sound`
    does."""
    sound, from_hz = read_sound(path)
    return convert(sound, from_hz, sample_rate_hz, channels)


def sound_faults(paths: Iterable[str | os.PathLike[str]], workers: int = 1) -> list[Fault]:
    """One fault for each file that cannot be read, in the order of `paths`; empty when all of them decode."""

    def faults(path: str | os.PathLike[str]) -> tuple[Fault, ...]:
        try:
            read_sound(path)  # all of it, since the header does not reveal a broken stream
        except InputFaults as error:
            return error.faults
        return ()

    with ThreadPoolExecutor(workers) as pool:  # libsndfile releases Python's lock
        return [fault for of_path in pool.map(faults, paths) for fault in of_path]


class _ReadOn(soundfile.SoundFile):
    """A file read from its beginning without seeking after each part, which fails in FLAC with a wrong length."""

    def seekable(self) -> bool:
        return False


def _read_mpeg(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """All samples (channels, samples) of an MP3's frames, and its sample rate in Hz."""
    stream = mpeg_stream(Path(path).read_bytes())
    file = _ReadOn(BytesIO(stream.frames))
    if not stream.states_length and file.frames < stream.n_samples - stream.frame_samples:
        file.close()  # it would stop at its estimated length
        file = _ReadOn(BytesIO(stream.with_length()))
    with file:
        expected = min(file.frames, stream.n_samples)
        sound = file.read(stream.n_samples, dtype="float32", always_2d=True).T
        if sound.shape[1] < expected - stream.frame_samples:
            raise NotWholeError(f"decodes to {sound.shape[1]} of {expected} samples")
        return sound, file.samplerate


def _read_other(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """Samples (channels, samples) and sample rate in Hz of any other file."""
    with _ReadOn(path) as file:
        if file.frames <= AT_ONCE:
            sound = file.read(file.frames, dtype="float32", always_2d=True).T
        else:
            blocks = [file.read(BLOCK, dtype="float32", always_2d=True)]
            while len(blocks[-1]):
                blocks.append(file.read(BLOCK, dtype="float32", always_2d=True))
            sound = np.concatenate(blocks).T
        if sound.shape[1] < SHORTEST_PART * file.frames and file.frames < UNKNOWN_SAMPLES:
            raise NotWholeError(f"ends after {sound.shape[1]} of {file.frames} samples")
        if reason := cut_off(path):
            raise NotWholeError(reason)
        return sound, file.samplerate


def _faulty(path: str | os.PathLike[str], reason: str) -> InputFaults:
    return InputFaults([sound_fault(path, reason)])
