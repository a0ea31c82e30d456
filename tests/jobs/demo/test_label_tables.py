from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.demo.attributes import DANCES, GENRES, Track, draw_tracks
from jobs.demo.instruments import LEADS
from jobs.demo.label_tables import (
    FMA_GENRES,
    GENRE_WORDS,
    JUNK_TAGS,
    OLD,
    RECENT,
    SYNONYMS,
    write_corpus_tables,
    write_target_tables,
)


@pytest.fixture(scope="module")
def tracks() -> list[Track]:
    return draw_tracks("c", 480, 4, np.random.default_rng(0))


@pytest.fixture(scope="module")
def folder(tracks: list[Track], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    paths = [f"{track.track_id}.flac" for track in tracks]
    write_corpus_tables(folder, tracks, paths, np.random.default_rng(1))
    write_target_tables(folder, tracks, paths, np.random.default_rng(2))
    return folder


def test_every_genre_has_its_words() -> None:
    assert set(GENRES) == set(SYNONYMS) == set(GENRE_WORDS) == set(FMA_GENRES)


def test_genres_and_dances_are_balanced_and_tell_nothing_of_each_other(tracks: list[Track]) -> None:
    counts = pd.crosstab([track.artist.genre for track in tracks], [track.dance for track in tracks])
    assert (counts.sum(axis=0) == 480 / len(DANCES)).all()
    assert (counts.sum(axis=1) == 480 / len(GENRES)).all()
    expected = 480 / counts.size
    assert (np.square(counts - expected) / expected).to_numpy().sum() < 57.3  # 1 % of chi-square with 35 degrees


def test_tempi_lie_within_their_dance(tracks: list[Track]) -> None:
    for track in tracks:
        beats, slowest, fastest = DANCES[track.dance]
        assert track.beats_a_bar == beats and slowest <= track.tempo_bpm <= fastest


def test_bpm_is_near_the_tempo_but_for_octave_errors(tracks: list[Track], folder: Path) -> None:
    ratio = pd.read_csv(folder / "bpm.csv")["value"].to_numpy() / [track.tempo_bpm for track in tracks]
    octaves = np.round(np.log2(ratio))
    np.testing.assert_allclose(ratio, 2.0**octaves, rtol=0.05)
    assert set(octaves) == {-1, 0, 1}
    assert 0.07 < np.mean(octaves != 0) < 0.18


def test_tags_hold_junk_and_typing_errors(folder: Path) -> None:
    tags = set(pd.read_csv(folder / "tags.csv")["term"])
    assert set(JUNK_TAGS) <= tags
    offered = {word for genre, words in SYNONYMS.items() for word in (genre, *words)} | set(JUNK_TAGS) | set(LEADS)
    swapped = {tag for tag in tags - offered if any(sorted(tag) == sorted(word) for word in offered)}
    assert len(swapped) > 20


def test_an_artists_tracks_share_their_bag(tracks: list[Track], folder: Path) -> None:
    bags = pd.read_csv(folder / "artist.csv").pivot(index="track_id", columns="term", values="weight").fillna(0)
    by_artist = bags.groupby([track.artist.name for track in tracks]).nunique()
    assert (by_artist == 1).all(axis=None)


def test_fma_is_unbalanced_and_partly_a_matter_of_age(tracks: list[Track], folder: Path) -> None:
    labels = pd.read_csv(folder / "fma.csv")["label"]
    counts = labels.value_counts()
    assert counts.max() > 3 * counts.min()
    assert [label == "Old-Time" for label in labels] == [track.year < OLD for track in tracks]
    assert [label == "Experimental" for label in labels] == [track.year > RECENT for track in tracks]


def test_felt_moods_follow_the_tracks(tracks: list[Track], folder: Path) -> None:
    for mood in ("arousal", "valence"):
        felt = pd.read_csv(folder / f"{mood}.csv")["label"]
        assert np.corrcoef(felt, [getattr(track, mood) for track in tracks])[0, 1] > 0.95


def test_listeners_have_a_taste(tracks: list[Track], folder: Path) -> None:
    """The genre that a listener plays most makes up far more of the plays than an eighth."""
    plays = pd.read_csv(folder / "plays.csv")
    genre = {track.track_id: track.artist.genre for track in tracks}
    shares = pd.crosstab(plays["user_id"], plays["track_id"].map(genre), plays["count"], aggfunc="sum").fillna(0)
    assert (shares.max(axis=1) / shares.sum(axis=1)).median() > 0.3
