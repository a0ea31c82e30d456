"""A user's folder of recordings: notes of three instruments, a folder for each, as MP3s with a tag and a picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile

from study.workflow.from_audio.words import midi_number

RATE_HZ = 22050
INSTRUMENTS = {"flute": (1.0, 0.1, 0.02), "trumpet": (1.0, 0.9, 0.8, 0.7, 0.5), "clarinet": (1.0, 0.0, 0.7, 0.0, 0.4)}
"""Amplitudes of their partials."""
PITCHES = ("C4", "Ds4", "Fs4", "A4", "C5", "Ds5", "Fs5", "A5")
DYNAMICS = {"piano": 0.05, "mezzo-forte": 0.15, "fortissimo": 0.5}
TAG_BYTES = 3000


def write_recordings(folder: Path, seconds: float = 0.6, seed: int = 4) -> None:
    """Write `INSTRUMENT/PITCH_DYNAMICS_TAKE.mp3`, 72 files in all."""
    rng = np.random.default_rng(seed)
    for instrument, partials in INSTRUMENTS.items():
        (folder / instrument).mkdir(parents=True)
        for pitch in PITCHES:
            for take, (dynamics, amplitude) in enumerate(DYNAMICS.items(), 1):
                sound = amplitude * _note(pitch, partials, seconds, rng)
                (folder / instrument / f"{pitch}_{dynamics}_{take}.mp3").write_bytes(tagged_mp3(sound))


def tagged_mp3(sound: np.ndarray) -> bytes:
    """The samples as MP3, after an ID3v2.3 tag that holds `TAG_BYTES` of picture."""
    encoded = io.BytesIO()
    soundfile.write(encoded, sound, RATE_HZ, format="MP3")
    picture = b"APIC" + TAG_BYTES.to_bytes(4, "big") + b"\0\0" + b"\0image/png\0\3\0".ljust(TAG_BYTES, b"\x55")
    size = bytes(len(picture) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + picture + encoded.getvalue()


def _note(pitch: str, partials: tuple[float, ...], seconds: float, rng: np.random.Generator) -> np.ndarray:
    number = midi_number(pitch)
    assert number is not None
    hz = 440 * 2 ** ((number - 69) / 12) * rng.normal(1, 0.003)
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    tone = sum(part * np.sin(2 * np.pi * hz * n * times) for n, part in enumerate(partials, 1)) / sum(partials)
    fade = np.minimum(1, 20 * times) * np.exp(-2 * times)
    return 0.9 * tone * fade + 0.003 * rng.standard_normal(len(times))
