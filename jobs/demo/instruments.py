"""The demo's instruments: notes with harmonics, envelopes and noises modelled on real ones, and drums.

A pitched note is the real part of the polynomial sum_n a_n z(t)^n with z(t) = b(t) exp(i phase(t)): when the
brightness b falls, harmonic n decays n times as fast, as on a plucked string; when it rises, a brass tone opens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE_HZ = 22050
HARMONICS = 18


@dataclass(frozen=True)
class Instrument:
    """`rolloff`: harmonic n has n ** -rolloff of the first one's amplitude, `even` of that where n is even.

    `brightness`: b at the onset and, reached with `brightness_s`, later on. `decay_s`: of a struck or plucked tone;
    None if it is sustained. `formant_hz`: harmonics near it are raised. `breath`: noise added to the tone.
    """

    lowest: int
    rolloff: float
    even: float = 1.0
    brightness: tuple[float, float] = (1.0, 1.0)
    brightness_s: float = 0.2
    attack_s: float = 0.005
    decay_s: float | None = None
    vibrato_cents: float = 0.0
    formant_hz: float | None = None
    breath: float = 0.0


INSTRUMENTS = {
    "piano": Instrument(55, 1.0, brightness=(0.95, 0.72), brightness_s=0.25, attack_s=0.003, decay_s=0.9),
    "guitar": Instrument(52, 0.6, even=0.7, brightness=(0.97, 0.6), brightness_s=0.12, attack_s=0.001, decay_s=0.6),
    "organ": Instrument(55, 0.35, even=0.5, brightness=(0.86, 0.86), attack_s=0.012, vibrato_cents=9.0),
    "violin": Instrument(62, 0.7, brightness=(0.8, 0.94), attack_s=0.09, vibrato_cents=28.0, formant_hz=2600.0),
    "flute": Instrument(67, 2.2, even=0.6, attack_s=0.06, vibrato_cents=18.0, breath=0.12),
    "trumpet": Instrument(58, 0.4, brightness=(0.5, 0.92), brightness_s=0.05, attack_s=0.03, formant_hz=1300.0),
    "bass": Instrument(28, 1.1, brightness=(0.95, 0.75), brightness_s=0.1, attack_s=0.004, decay_s=0.7),
    "strings": Instrument(50, 0.9, brightness=(0.9, 0.75), attack_s=0.004, decay_s=0.25),
    "synth": Instrument(50, 0.5, brightness=(0.97, 0.8), brightness_s=0.4, attack_s=0.01),
}
LEADS = ("piano", "guitar", "organ", "violin", "flute", "trumpet")


def note(name: str, midi: int, length_s: float, bright: float, rng: np.random.Generator) -> np.ndarray:
    """A tone of an instrument, float32 (samples,), of about unit power; `bright` scales the harmonics above the first
    (1: unchanged)."""
    instrument = INSTRUMENTS[name]
    frequency_hz = 440.0 * 2 ** ((midi - 69) / 12)
    release_s = 0.06
    time_s = np.arange(int((length_s + release_s) * RATE_HZ), dtype=np.float32) / RATE_HZ
    phase = 2 * np.pi * frequency_hz * time_s
    if instrument.vibrato_cents:
        depth = instrument.vibrato_cents / 1200 * np.log(2) * frequency_hz / 5.5
        phase += depth * np.minimum(time_s / 0.3, 1) * np.sin(2 * np.pi * 5.5 * time_s + rng.uniform(0, 6))
    onset, later = instrument.brightness
    fall = np.exp(-time_s / instrument.brightness_s)
    z = (bright * (later + (onset - later) * fall) * np.exp(1j * phase)).astype(np.complex64)

    n = np.arange(1, HARMONICS + 1)
    amplitudes = n**-instrument.rolloff * np.where(n % 2, 1.0, instrument.even)
    if instrument.formant_hz:
        amplitudes *= 0.5 + 1.5 * np.exp(-(np.log2(n * frequency_hz / instrument.formant_hz) ** 2))
    amplitudes[n * frequency_hz > 0.45 * RATE_HZ] = 0
    tone = np.zeros_like(z)
    for amplitude in np.trim_zeros(amplitudes, "b")[::-1].astype(np.float32):
        tone = (tone + amplitude) * z
    sound = tone.real / np.sqrt(np.square(amplitudes).sum() / 2, dtype=np.float32)
    if instrument.breath:
        sound += instrument.breath * rng.standard_normal(len(sound), dtype=np.float32)
    envelope = np.minimum(time_s / instrument.attack_s, 1) * np.clip((length_s + release_s - time_s) / release_s, 0, 1)
    if instrument.decay_s:
        envelope *= np.exp(-time_s / instrument.decay_s)
    return (sound * envelope).astype(np.float32)


def drum(name: str, machine: bool, rng: np.random.Generator) -> np.ndarray:
    """One stroke of "kick", "snare", "hat" or "brush", float32 (samples,): of a drummer, or of a drum machine."""
    length_s = {"kick": 0.3, "snare": 0.22, "hat": 0.06, "brush": 0.16}[name]
    time_s = np.arange(int(length_s * RATE_HZ), dtype=np.float32) / RATE_HZ
    noise = rng.standard_normal(len(time_s), dtype=np.float32)
    if name == "kick":
        lowest_hz, decay_s = (45, 0.12) if machine else (62, 0.06)
        tone = np.sin(2 * np.pi * (lowest_hz * time_s - 4 * np.exp(-time_s / 0.02)))
        sound = 1.6 * tone * np.exp(-time_s / decay_s) + 0.1 * noise * np.exp(-time_s / 0.004)
    elif name == "snare":
        tone = np.sin(2 * np.pi * (330 if machine else 190) * time_s)
        gate = (time_s < 0.13) if machine else np.exp(-time_s / 0.06)
        sound = 0.4 * tone * np.exp(-time_s / 0.04) + 0.6 * noise * gate
    else:
        sharp = np.diff(noise, n=2, prepend=[0, 0]) * 0.3  # second difference: a steep high pass
        decay_s = {"hat": 0.012 if machine else 0.025, "brush": 0.05}[name]
        sound = (sharp if name == "hat" else 0.5 * noise) * np.exp(-time_s / decay_s)
    return sound.astype(np.float32)
