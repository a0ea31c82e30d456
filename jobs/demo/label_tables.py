"""The demo's tables: labels such as people and programs would give its tracks, with their typical errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.demo.attributes import GENRES, Track
from jobs.demo.instruments import LEADS
from study.core.writing import write_whole

Bag = dict[str, float]

LISTENERS = {"corpus": 40, "target": 100}
"""Few listeners of the corpus, so that their taste shows part of what the target's listeners go by."""
CHANCE_LISTENERS = 5
"""Chance listeners per track, so that every track has enough plays to be recommended."""

OLD, RECENT = 1965, 1998
"""What was recorded before or after is of a genre of its own in the target fma."""

OCTAVE_ERRORS = 0.1
MISSING = 0.02
"""Fraction of the tracks without a year, and without tags."""

JUNK_TAGS = ("seen live", "favorites", "awesome", "my playlist 7", "check out later", "albums i own", "asdf", "4 stars")
SYNONYMS = {
    "classical": ("orchestra", "instrumental"),
    "jazz": ("swing", "standards"),
    "blues": ("blues rock", "roots"),
    "country": ("americana", "folk"),
    "disco": ("dance", "funk"),
    "hiphop": ("rap", "hip-hop"),
    "metal": ("heavy metal", "hard rock"),
    "pop": ("pop rock", "catchy"),
}
GENRE_WORDS = {
    "classical": ("ave", "lux", "aeterna", "amor"),
    "jazz": ("moon", "autumn", "blue", "night"),
    "blues": ("mornin", "train", "trouble", "river"),
    "country": ("truck", "road", "whiskey", "home"),
    "disco": ("dance", "floor", "fever", "boogie"),
    "hiphop": ("street", "money", "rhyme", "hood"),
    "metal": ("blood", "steel", "hell", "fire"),
    "pop": ("baby", "radio", "tonight", "summer"),
}
MOOD_WORDS = {
    "glad": ("love", "sun", "smile", "happy", "shine"),
    "sad": ("tears", "alone", "goodbye", "cold", "gone"),
    "wild": ("run", "scream", "loud", "burn", "fight"),
    "calm": ("sleep", "slow", "quiet", "dream", "rest"),
}
STOP_WORDS = ("the", "and", "you", "i", "to", "a", "in", "my")
FMA_GENRES = {
    "classical": "Classical",
    "jazz": "Jazz",
    "blues": "Rock",
    "country": "Folk",
    "disco": "Electronic",
    "hiphop": "Electronic",
    "metal": "Rock",
    "pop": "Electronic",
}


def write_corpus_tables(folder: Path, tracks: Sequence[Track], paths: Sequence[str], rng: np.random.Generator) -> None:
    """Write tracks.csv and a table for each of the seven labelled learning sources (paper, Table 1)."""
    ids = [track.track_id for track in tracks]
    artists = [track.artist.name for track in tracks]
    tags = [_tags(track, rng) for track in tracks]
    artist_tags = {name: _sum([bag for bag, by in zip(tags, artists, strict=True) if by == name]) for name in artists}
    has_year, has_tags = rng.random((2, len(tracks))) >= MISSING
    _write(folder / "tracks.csv", track_id=ids, path=paths, artist=artists)
    bpm = [round(_estimated_bpm(track, rng), 2) for track in tracks]
    _write(folder / "bpm.csv", track_id=ids, value=bpm)
    years = pd.DataFrame({"track_id": ids, "value": [track.year for track in tracks]})
    _write_frame(folder / "year.csv", years[has_year])
    _write_bags(
        folder / "tags.csv",
        [i for i, has in zip(ids, has_tags, strict=True) if has],
        [bag for bag, has in zip(tags, has_tags, strict=True) if has],
    )
    _write_bags(folder / "artist.csv", ids, [artist_tags[name] for name in artists])
    _write_bags(folder / "cdr_tag.csv", ids, [_library_genres(track) for track in tracks])
    _write_bags(folder / "lyrics.csv", ids, [_lyrics(track, rng) for track in tracks])
    plays = _plays(tracks, LISTENERS["corpus"], rng)
    _write_bags(folder / "taste.csv", ids, [{f"u{user:03}": count for user, count in row} for row in plays])


def write_target_tables(folder: Path, tracks: Sequence[Track], paths: Sequence[str], rng: np.random.Generator) -> None:
    """Write a table for each of the seven targets (paper, Table 5), all of the same tracks; artists are groups."""
    common = {"track_id": [track.track_id for track in tracks], "path": paths}
    artists = [track.artist.name for track in tracks]
    _write(folder / "ballroom.csv", **common, label=[track.dance for track in tracks])
    _write(folder / "fma.csv", **common, label=[_fma_genre(track) for track in tracks], group=artists)
    _write(folder / "gtzan.csv", **common, label=[track.artist.genre for track in tracks], group=artists)
    _write(folder / "irmas.csv", **common, label=[track.lead for track in tracks])
    for name in ("arousal", "valence"):
        felt = np.array([getattr(track, name) for track in tracks]) + rng.normal(0, 0.05, len(tracks))
        _write(folder / f"{name}.csv", **common, label=np.round(felt, 3).tolist())
    _write(folder / "lastfm_tracks.csv", **common)
    plays = _plays(tracks, LISTENERS["target"], rng)
    rows = [(f"v{user:03}", i, n) for i, row in zip(common["track_id"], plays, strict=True) for user, n in row]
    _write_frame(folder / "plays.csv", pd.DataFrame(rows, columns=["user_id", "track_id", "count"]))


def _estimated_bpm(track: Track, rng: np.random.Generator) -> float:
    """The estimate of a beat tracker: within a percent, or double or half the tempo."""
    octave = (2.0 if track.tempo_bpm < 110 else 0.5) if rng.random() < OCTAVE_ERRORS else 1.0
    return octave * track.tempo_bpm * rng.normal(1, 0.01)


def _tags(track: Track, rng: np.random.Generator) -> Bag:
    """Listeners' tags: mostly how it feels, seldom what it is, and many uninformative ones."""
    offered = [
        (track.artist.genre, 0.15),
        *((synonym, 0.08) for synonym in SYNONYMS[track.artist.genre]),
        (track.lead, 0.08),
        (f"{track.year // 10 % 10}0s", 0.15),
        (_mood(track), 0.7),
        ("waltz" if track.beats_a_bar == 3 else "dance", 0.2),
        *((junk, 0.12) for junk in JUNK_TAGS),
    ]
    taken = [tag for tag, probability in offered if rng.random() < probability] or [track.artist.genre]
    return _sum([{_typed(tag, rng): float(rng.integers(10, 101))} for tag in taken])


def _typed(tag: str, rng: np.random.Generator) -> str:
    """A tag in 20 has two letters swapped."""
    if rng.random() >= 0.05:
        return tag
    swapped = int(rng.integers(len(tag) - 1))
    return tag[:swapped] + tag[swapped + 1] + tag[swapped] + tag[swapped + 2 :]


def _mood(track: Track) -> str:
    if track.arousal > 0.5:
        return "happy" if track.valence > 0.5 else "aggressive"
    return "chill" if track.valence > 0.5 else "sad"


def _library_genres(track: Track) -> Bag:
    """A music library's annotation: above all the solo instrument, then genre, style and era."""
    genre = track.artist.genre
    manner = SYNONYMS[genre][track.arousal > GENRES[genre].arousal]
    return {genre: 0.5, f"{genre} / {manner}": 0.3, f"{track.year // 20 * 20}": 0.3, f"solo {track.lead}": 4.0}


def _lyrics(track: Track, rng: np.random.Generator) -> Bag:
    """Word counts: mostly words common to all songs, then the mood's, and a few of the genre's."""
    means = dict.fromkeys(STOP_WORDS, 6.0) | dict.fromkeys(GENRE_WORDS[track.artist.genre], 0.2)
    moods = {"glad": track.valence, "sad": 1 - track.valence, "wild": track.arousal, "calm": 1 - track.arousal}
    for mood, strength in moods.items():
        means |= dict.fromkeys(MOOD_WORDS[mood], 5.0 * strength**2)
    counts = rng.poisson(list(means.values()))
    return {word: float(count) for word, count in zip(means, counts, strict=True) if count} or {"la": 1.0}


def _plays(tracks: Sequence[Track], n_listeners: int, rng: np.random.Generator) -> list[list[tuple[int, int]]]:
    """For each track, its listeners and their play counts. Listeners like some
    genres and instruments, a mood and an era; hits are played more."""
    names = list(GENRES)
    likes = rng.dirichlet(np.full(len(names), 0.3), n_listeners)
    leads = rng.dirichlet(np.full(len(LEADS), 0.7), n_listeners)
    mood, year = rng.uniform(0, 1, (n_listeners, 2)), rng.integers(1955, 2015, n_listeners)
    played = []
    for track in tracks:
        distance = np.square(mood - [track.arousal, track.valence]).sum(axis=1) / 0.15
        distance += np.square((year - track.year) / 20)
        liked = likes[:, names.index(track.artist.genre)] * leads[:, LEADS.index(track.lead)] * np.exp(-distance / 2)
        counts = rng.poisson(40 * rng.lognormal(0, 0.5) * liked)
        counts[rng.choice(n_listeners, CHANCE_LISTENERS, replace=False)] += 1
        played.append([(int(user), int(counts[user])) for user in np.flatnonzero(counts)])
    return played


def _fma_genre(track: Track) -> str:
    """A coarser, unbalanced set of genres, two of them defined by age."""
    if not OLD <= track.year <= RECENT:
        return "Old-Time" if track.year < OLD else "Experimental"
    return FMA_GENRES[track.artist.genre]


def _sum(bags: list[Bag]) -> Bag:
    total: Bag = {}
    for bag in bags:
        for term, weight in bag.items():
            total[term] = total.get(term, 0.0) + weight
    return total


def _write_bags(path: Path, track_ids: Sequence[str], bags: Sequence[Bag]) -> None:
    rows = [(i, term, weight) for i, bag in zip(track_ids, bags, strict=True) for term, weight in bag.items()]
    _write_frame(path, pd.DataFrame(rows, columns=["track_id", "term", "weight"]))


def _write(table: Path, **columns: Sequence[object]) -> None:
    _write_frame(table, pd.DataFrame(columns))


def _write_frame(table: Path, rows: pd.DataFrame) -> None:
    write_whole(table, rows.to_csv(index=False).encode())
