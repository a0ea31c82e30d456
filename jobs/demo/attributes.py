"""The attributes of the demo's tracks before synthesis: genre, artist, tempo, metre, key, instrument, era and mood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.demo.instruments import LEADS

DANCES = {
    "waltz": (3, 78, 94),
    "viennesewaltz": (3, 166, 188),
    "rumba": (4, 90, 106),
    "chacha": (4, 116, 130),
    "jive": (4, 146, 166),
    "quickstep": (4, 190, 210),
}
"""Dance -> beats per bar, and the slowest and fastest tempo in beats per minute. Every track follows one dance."""


@dataclass(frozen=True)
class Genre:
    """Means of the moods, years and leads that a genre tends to; `drums`, `chords`, `bass` name its patterns."""

    arousal: float
    valence: float
    years: tuple[int, int]
    leads: tuple[str, ...]
    chords: str
    drums: str
    bass: str
    progression: tuple[int, ...]
    swing: bool = False


GENRES = {
    "classical": Genre(0.25, 0.5, (1950, 2015), ("violin", "flute", "piano"), "strings", "none", "long", (0, 3, 4, 0)),
    "jazz": Genre(
        0.4, 0.6, (1950, 2000), ("trumpet", "piano", "flute"), "piano", "ride", "walking", (1, 4, 0, 5), True
    ),
    "blues": Genre(
        0.45, 0.3, (1950, 1995), ("organ", "guitar", "piano"), "organ", "shuffle", "root", (0, 0, 3, 4), True
    ),
    "country": Genre(0.45, 0.7, (1955, 2010), ("guitar", "violin", "flute"), "guitar", "train", "fifths", (0, 3, 0, 4)),
    "disco": Genre(0.75, 0.8, (1974, 1992), ("trumpet", "violin", "organ"), "strings", "four", "octaves", (5, 3, 0, 4)),
    "hiphop": Genre(0.6, 0.45, (1984, 2019), ("flute", "piano", "organ"), "synth", "break", "long", (0, 0, 5, 5)),
    "metal": Genre(0.9, 0.25, (1975, 2019), ("guitar", "organ", "violin"), "power", "blast", "eighths", (0, 5, 6, 0)),
    "pop": Genre(0.6, 0.7, (1965, 2019), ("piano", "guitar", "trumpet"), "synth", "rock", "root", (0, 4, 5, 3)),
}


LEAD_SHARES = (0.6, 0.25, 0.15)
"""Probabilities that an artist plays each of the genre's leads."""


@dataclass(frozen=True)
class Artist:
    """An artist of a genre, with a favourite instrument, a few active years, and a typical mood."""

    name: str
    genre: str
    lead: str
    year: int
    arousal: float
    valence: float


@dataclass(frozen=True)
class Track:
    """`key` in semitones above C; `year`, `arousal` and `valence` (0 to 1) are audible as well as labelled.

    The mix (`level_db`, `tilt_db` per octave, `reverb`, `pan`) is independent of the rest: a nuisance to be ignored.
    """

    track_id: str
    artist: Artist
    dance: str
    tempo_bpm: float
    key: int
    major: bool
    lead: str
    year: int
    arousal: float
    valence: float
    level_db: float
    tilt_db: float
    reverb: float
    pan: float

    @property
    def genre(self) -> Genre:
        return GENRES[self.artist.genre]

    @property
    def beats_a_bar(self) -> int:
        return DANCES[self.dance][0]


def draw_tracks(prefix: str, n_tracks: int, tracks_an_artist: int, rng: np.random.Generator) -> list[Track]:
    """Tracks from `prefix`000 on, with equal numbers of each genre and of each dance, independent of each other."""
    n_artists = -(-n_tracks // tracks_an_artist)
    genres = _evenly(tuple(GENRES), n_artists, rng)
    artists = [_artist(f"{prefix}-artist-{number:02}", genre, rng) for number, genre in enumerate(genres)]
    dances = _evenly(tuple(DANCES), n_tracks, rng)
    return [
        _track(f"{prefix}{number:03}", artists[number // tracks_an_artist], dance, rng)
        for number, dance in enumerate(dances)
    ]


def _evenly(names: tuple[str, ...], n: int, rng: np.random.Generator) -> list[str]:
    return [names[i] for i in rng.permutation(np.arange(n) % len(names))]


def _artist(name: str, genre_name: str, rng: np.random.Generator) -> Artist:
    genre = GENRES[genre_name]
    return Artist(
        name=name,
        genre=genre_name,
        lead=str(rng.choice(genre.leads, p=LEAD_SHARES)),
        year=int(rng.integers(genre.years[0], genre.years[1] + 1)),
        arousal=float(rng.normal(genre.arousal, 0.1)),
        valence=float(rng.normal(genre.valence, 0.15)),
    )


def _track(track_id: str, artist: Artist, dance: str, rng: np.random.Generator) -> Track:
    _, slowest, fastest = DANCES[dance]
    valence = float(np.clip(rng.normal(artist.valence, 0.2), 0, 1))
    return Track(
        track_id=track_id,
        artist=artist,
        dance=dance,
        tempo_bpm=float(rng.uniform(slowest, fastest)),
        key=int(rng.integers(12)),
        major=bool(rng.random() < 0.1 + 0.8 * valence),
        lead=artist.lead if rng.random() < 0.75 else str(rng.choice(LEADS)),
        year=int(np.clip(artist.year + rng.integers(-4, 5), 1950, 2019)),
        arousal=float(np.clip(rng.normal(artist.arousal, 0.15), 0, 1)),
        valence=valence,
        level_db=float(rng.uniform(-6, 0)),
        tilt_db=float(rng.uniform(-1.0, 1.0)),
        reverb=float(rng.uniform(0.1, 0.3)),
        pan=float(rng.uniform(-0.3, 0.3)),
    )
