"""The demo's music: from a track's attributes to notes and strokes, and from these to a stereo mix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, rfft, rfftfreq

from jobs.demo.attributes import Track
from jobs.demo.instruments import INSTRUMENTS, RATE_HZ, drum, note

SCALES = {True: (0, 2, 4, 5, 7, 9, 11), False: (0, 2, 3, 5, 7, 8, 10)}
"""Major, and natural minor: semitones above the key."""

DRUMS = {
    "none": (None, None, None),
    "ride": ("kick", "brush", "hat"),
    "shuffle": ("kick", "snare", "hat"),
    "train": ("kick", "brush", "brush"),
    "four": ("kick", "kick", "hat"),
    "break": ("kick", "snare", None),
    "blast": ("snare", "snare", "kick"),
    "rock": ("kick", "snare", "hat"),
}
"""The strokes on the first beat of a bar, on the other beats and, softer, between beats."""

BASS = {
    "long": ((0, 0, 1.0),),
    "root": ((0, 0, 0.8), (2, 0, 0.6)),
    "fifths": ((0, 0, 0.5), (2, 4, 0.5)),
    "walking": ((0, 0, 0.9), (1, 2, 0.9), (2, 4, 0.9), (3, 5, 0.9)),
    "octaves": tuple((beat / 2, 7 * (beat % 2), 0.4) for beat in range(8)),
    "eighths": tuple((beat / 2, 0, 0.4) for beat in range(8)),
}
"""(beat of the bar, scale degrees above the chord's root, fraction of its length that sounds)."""

LEVELS = {"lead": 1.5, "chords": 0.7, "bass": 0.7, "drums": 1.2}


@dataclass(frozen=True)
class Event:
    """A note of `part` at `start_s`; if `midi` is None, a drum stroke."""

    part: str
    name: str
    start_s: float
    length_s: float = 0.0
    midi: int | None = None
    gain: float = 1.0


def render(track: Track, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """The track as stereo float32 (2, samples) at 22,050 Hz, within -1 to 1."""
    n_samples = int(seconds * RATE_HZ)
    parts: dict[str, np.ndarray | None] = dict.fromkeys(LEVELS)
    sounds: dict[tuple[object, ...], np.ndarray] = {}
    bright = 0.7 + 0.3 * track.arousal
    machine = track.year > 1982
    for event in score(track, seconds, rng):
        key = (event.name, event.midi, round(event.length_s, 2))
        if key not in sounds:
            sounds[key] = (
                drum(event.name, machine, rng)
                if event.midi is None
                else note(event.name, event.midi, event.length_s, bright, rng)
            )
        part = parts[event.part]
        if part is None:
            part = parts[event.part] = np.zeros(n_samples, dtype=np.float32)
        start = int(event.start_s * RATE_HZ)
        sound = sounds[key][: n_samples - start]
        part[start : start + len(sound)] += event.gain * sound
    return _mix(track, {name: sound for name, sound in parts.items() if sound is not None}, rng)


def score(track: Track, seconds: float, rng: np.random.Generator) -> Iterator[Event]:
    """Every note and stroke, bar by bar, until the time is up."""
    beat_s = 60 / track.tempo_bpm
    bar_s = beat_s * track.beats_a_bar
    melody = 7 + int(rng.integers(0, 5))
    for bar in range(int(np.ceil(seconds / bar_s))):
        degree = track.genre.progression[bar % len(track.genre.progression)]
        events = [*_drums(track), *_bass(track, degree), *_chords(track, degree)]
        notes, melody = _melody(track, degree, melody, rng)
        for event in events + notes:
            start_s = bar * bar_s + beat_s * _swung(event.start_s, track.genre.swing)
            if start_s < seconds - 0.01:
                humanly = event.gain * rng.uniform(0.85, 1.15)
                yield Event(event.part, event.name, start_s, event.length_s * beat_s, event.midi, humanly)


def pitch(track: Track, degree: int, lowest: int) -> int:
    """The MIDI number of a scale degree, counted from the first key note at or above `lowest`."""
    octave, step = divmod(degree, 7)
    return lowest + (track.key - lowest) % 12 + 12 * octave + SCALES[track.major][step]


def _swung(beat: float, swing: bool) -> float:
    return beat + (1 / 6 if swing and beat % 1 == 0.5 else 0)


def _drums(track: Track) -> list[Event]:
    first, others, between = DRUMS[track.genre.drums]
    strokes: list[tuple[str | None, float, float]] = []
    for beat in range(track.beats_a_bar):
        strokes += [(others if beat else first, beat, 1.0 if beat else 1.4), (between, beat + 0.5, 0.2)]
    return [Event("drums", name, start, gain=gain) for name, start, gain in strokes if name]


def _bass(track: Track, degree: int) -> list[Event]:
    lowest = INSTRUMENTS["bass"].lowest
    notes = [entry for entry in BASS[track.genre.bass] if entry[0] < track.beats_a_bar]
    starts = [entry[0] for entry in notes[1:]] + [track.beats_a_bar]
    return [
        Event(
            part="bass",
            name="bass",
            start_s=start,
            length_s=sounding * (end - start),
            midi=pitch(track, degree + above, lowest),
            gain=0.5 if start % 1 else 1.0,
        )
        for (start, above, sounding), end in zip(notes, starts, strict=True)
    ]


def _chords(track: Track, degree: int) -> list[Event]:
    """The chord on every beat in the nearest inversion; shorter and higher for a happy mood."""
    kind = track.genre.chords
    name = "guitar" if kind == "power" else kind
    steps = {"power": (0, 4, 7), "piano": (0, 2, 4, 6)}.get(kind, (0, 2, 4))
    lowest = INSTRUMENTS[name].lowest + round(16 * track.valence) - 5
    length = 0.75 - 0.5 * track.valence
    return [
        Event("chords", name, beat, length, lowest + (pitch(track, degree + step, lowest) - lowest) % 12)
        for beat in range(track.beats_a_bar)
        for step in steps
    ]


def _melody(track: Track, degree: int, step: int, rng: np.random.Generator) -> tuple[list[Event], int]:
    """Steps along the scale that return to the chord on strong beats; busier if aroused, higher if happy."""
    lowest = INSTRUMENTS[track.lead].lowest
    ceiling = 5 + round(9 * track.valence)
    notes: list[Event] = []
    beat = 0.0
    while beat < track.beats_a_bar:
        length = float(rng.choice([0.5, 1.0, 2.0], p=_lengths(track.arousal)))
        if beat % 1 == 0 and length >= 1:
            step = degree + 7 * round((step - degree) / 7) + int(rng.choice([0, 2, 4]))
        else:
            step += int(rng.choice([-2, -1, 1, 2]))
        step = step - 7 if step > ceiling else step + 7 if step < 0 else step
        if rng.random() > 0.12:
            legato = 0.95 - 0.45 * track.valence
            notes.append(Event("lead", track.lead, beat, length * legato, pitch(track, step, lowest)))
        beat += length
    return notes, step


def _lengths(arousal: float) -> list[float]:
    """Probabilities of an eighth, a quarter and a half note."""
    eighth, half = 0.05 + 0.25 * arousal, 0.2 * (1 - arousal)
    return [eighth, 1 - eighth - half, half]


def _mix(track: Track, parts: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Parts in the stereo field, in a room, on the medium of their time, at the level of this track."""
    n_samples = len(next(iter(parts.values())))
    width = np.clip((track.year - 1958) / 15, 0, 1)
    pans = {"lead": track.pan, "chords": -0.6 * track.pan, "bass": 0.0, "drums": 0.3 * track.pan}
    stereo = np.zeros((2, n_samples), dtype=np.float32)
    for name, sound in parts.items():
        power = np.sqrt(np.mean(np.square(sound)) + 1e-9)
        drive = 1 + 5 * track.arousal if track.genre.chords == "power" and name == "chords" else 0
        voiced = np.tanh(drive * sound / power) if drive else sound / power
        angle = (1 + width * pans[name]) * np.pi / 4
        level = LEVELS[name] * (0.5 + 1.0 * track.arousal if name == "drums" else 1.0)
        stereo += level * np.array([[np.cos(angle)], [np.sin(angle)]], dtype=np.float32) * voiced
    stereo = np.tanh((0.1 + 0.8 * track.arousal**2) * stereo)
    size = 1 << (n_samples + RATE_HZ - 1).bit_length()
    wet = irfft(rfft(stereo, size) * _response(track, size, width, rng), size)[:, :n_samples]
    wet += _medium_noise(track, n_samples, rng)
    wet *= 10 ** (track.level_db / 20) * 0.16 / np.sqrt(np.mean(np.square(wet)))
    return (wet / max(1.0, 1.05 * np.abs(wet).max())).astype(np.float32)


def _response(track: Track, size: int, width: float, rng: np.random.Generator) -> np.ndarray:
    """Room, tone control and the medium's upper limit as one filter per channel: (2, size // 2 + 1) complex."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    decay = np.exp(-time_s / (0.05 + 0.3 * track.reverb))
    tails = rng.standard_normal((2, RATE_HZ)) * decay
    tails[1] = width * tails[1] + (1 - width) * tails[0]
    tails *= track.reverb / np.sqrt(np.square(decay).sum())
    tails[:, 0] += 1
    frequency_hz = np.maximum(rfftfreq(size, 1 / RATE_HZ), 20.0)
    highest_hz = np.interp(track.year, [1950, 1965, 1980, 1995], [3500, 5500, 8500, 16000])
    medium = 1 / np.sqrt(1 + (frequency_hz / highest_hz) ** 8)
    tone = 10 ** (track.tilt_db * np.log2(frequency_hz / 1000) / 20)
    return rfft(tails, size) * (medium * tone)


def _medium_noise(track: Track, n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Hiss of tape, crackle of shellac and vinyl: (2, samples), silent on a CD."""
    hiss_db = np.interp(track.year, [1950, 1970, 1985, 1990], [-42, -52, -62, -100])
    noise = 10 ** (hiss_db / 20) * rng.standard_normal((2, n_samples), dtype=np.float32)
    clicks_a_second = np.interp(track.year, [1950, 1975, 1988], [25, 6, 0])
    clicks = rng.integers(0, n_samples, rng.poisson(clicks_a_second * n_samples / RATE_HZ))
    noise[:, clicks] += 0.3 * rng.standard_normal(len(clicks), dtype=np.float32)
    return noise
