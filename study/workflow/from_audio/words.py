"""Words with a place on a scale: note names, dynamics, and a few self-evident orders."""

from __future__ import annotations

import re

import pandas as pd

NOTE = re.compile(r"([A-Ga-g])(#|♯|s|sharp|b|♭|flat)?(-1|\d)")
SEMITONE = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
SHARPS = ("#", "♯", "s", "sharp")

SCALES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        ("ppp", "pianississimo", "moltopianissimo"),
        ("pp", "pianissimo"),
        ("p", "piano"),
        ("mp", "mezzopiano"),
        ("mf", "mezzoforte"),
        ("f", "forte"),
        ("ff", "fortissimo"),
        ("fff", "fortississimo", "moltofortissimo"),
    ),
    (("verylow",), ("low",), ("medium", "mid", "middle"), ("high",), ("veryhigh",)),
    (("verysoft",), ("soft", "quiet"), ("medium", "mid", "normal"), ("loud", "hard"), ("veryloud", "veryhard")),
    (("veryslow",), ("slow",), ("medium", "mid", "moderate"), ("fast",), ("veryfast",)),
    (("veryshort",), ("short",), ("medium", "mid"), ("long",), ("verylong",)),
    (("tiny", "xs"), ("small", "s"), ("medium", "m"), ("large", "l"), ("huge", "xl")),
    (("never", "none"), ("rarely", "mild"), ("sometimes", "moderate"), ("often", "severe"), ("always", "extreme")),
)
"""Scales from least to most; the words at one place are synonyms."""


def midi_number(note: str) -> float | None:
    """The MIDI number of a note name such as Gs5, Bb3 or c#-1 (A4 is 69, 440 Hz); None for other text."""
    match = NOTE.fullmatch(note)
    if match is None:
        return None
    letter, accidental, octave = match.groups()
    shift = 0 if accidental is None else 1 if accidental in SHARPS else -1
    return float(12 * (int(octave) + 1) + SEMITONE[letter.lower()] + shift)


def on_a_scale(texts: pd.Series, least_share: float) -> tuple[pd.Series, tuple[str, ...]] | None:
    """The texts that belong to one scale, with one spelling per place, and these spellings from least to most.

    None if no scale covers `least_share` of the texts, or only one of its places occurs.
    """
    plain = texts.str.lower().str.replace(r"[\W_]+", "", regex=True)
    for scale in SCALES:
        place_of = {word: place for place, words in enumerate(scale) for word in words}
        places = plain.map(place_of).dropna().astype(int)
        if len(places) >= least_share * len(texts) and places.nunique() >= 2:
            usual = texts[places.index].groupby(places).agg(lambda spelt: spelt.mode()[0])  # by place, ascending
            return places.map(usual), tuple(usual)
    return None
