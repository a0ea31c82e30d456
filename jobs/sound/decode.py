"""Sound files to samples: WAV, FLAC, OGG, MP3 and AU through libsndfile, resampled and brought to the
study's channels."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
import soxr

from study.core.errors import Fault, InputFaults

SHORTEST_PART = 0.95
"""A stream that decodes to less than this part of the length its header states was cut off."""

OGG_PAGE_BYTES = 65307
"""The longest page of an OGG file."""

STREAMED_BYTES = 0x7FFFF000
"""Lengths in headers from here on stand for unknown ones, of what was written as it came."""

LOUDEST = 1e10
"""Samples beyond this many times full scale are no sound, and the power of their spectra would overflow float32."""

EXPECTED = "expected a sound file that decodes (WAV, FLAC, OGG, MP3 or AU)"
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".au")
"""What is taken for sound where a folder is named."""


def read_sound(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """All samples of a file as float32 (channels, samples) and its own sample rate in Hz.

    Raises InputFaults, naming the file, if it is missing, is not sound, is cut off, is empty or holds NaN,
    infinity or samples beyond `LOUDEST`."""
    if not Path(path).is_file():
        raise _unreadable(path, "no such file")
    try:
        with soundfile.SoundFile(path) as file:
            stated, sample_rate_hz = file.frames, file.samplerate
            sound = file.read(dtype="float32", always_2d=True).T
    except (soundfile.LibsndfileError, OSError, TypeError) as error:  # TypeError: .raw, which has no header
        raise _unreadable(path, str(getattr(error, "error_string", error))) from None
    if sound.shape[1] == 0:
        raise _unreadable(path, "holds no samples")
    if sound.shape[1] < SHORTEST_PART * stated:
        raise _unreadable(path, f"ends after {sound.shape[1]} of {stated} samples")
    if reason := _cut_off(path):
        raise _unreadable(path, reason)
    if not np.isfinite(sound).all():
        raise _unreadable(path, "holds NaN or infinite samples")
    if (loudest := np.abs(sound).max()) > LOUDEST:
        raise _unreadable(path, f"holds samples of {loudest:.3g} times full scale")
    return sound, sample_rate_hz


def convert(sound: np.ndarray, from_hz: int, sample_rate_hz: int, channels: int) -> np.ndarray:
    """(any channels, samples) at `from_hz` to float32 (channels, samples) at `sample_rate_hz`.

    Mono is copied to every channel; more channels than asked for are mixed down to their mean first.
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
            read_sound(path)  # all of it: a header alone does not show a broken stream
        except InputFaults as error:
            return error.faults
        return ()

    with ThreadPoolExecutor(workers) as pool:  # libsndfile decodes outside Python's lock
        return [fault for found in pool.map(faults, paths) for fault in found]


def _cut_off(path: str | os.PathLike[str]) -> str:
    """Why a file is a part of another, or nothing: libsndfile takes WAV, AU and OGG for as long as they last."""
    n_bytes, stated, data_begins = os.path.getsize(path), 0, 0
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] == b"OggS":
            file.seek(max(0, n_bytes - OGG_PAGE_BYTES))
            page = file.read()
            page = page[max(0, page.rfind(b"OggS")) :]
            whole = len(page) > 26 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
            return "" if whole and page[5] & 4 else "ends before the last page of its stream"
        if head[:4] == b".snd":
            data_begins, stated = struct.unpack(">II", head[4:])
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            while len(chunk := file.read(8)) == 8:
                name, length = struct.unpack("<4sI", chunk)
                if name == b"data":
                    data_begins, stated = file.tell(), length
                    break
                file.seek(length + length % 2, os.SEEK_CUR)
    there = n_bytes - data_begins
    if there >= SHORTEST_PART * stated or stated >= STREAMED_BYTES:
        return ""
    return f"ends after {there} of {stated} bytes"


def _unreadable(path: str | os.PathLike[str], reason: str) -> InputFaults:
    return InputFaults([Fault(str(path), "sound", reason, EXPECTED)])
