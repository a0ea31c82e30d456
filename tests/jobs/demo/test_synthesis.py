from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.demo.synthesis import make_demo
from jobs.sound.decode import decode, read_sound

TABLES = ["tracks", "bpm", "year", "taste", "tags", "lyrics", "cdr_tag", "artist", "ballroom", "fma", "gtzan", "irmas",
          "arousal", "valence", "lastfm_tracks", "plays"]  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder, seed=5, n_corpus=48, n_target=24, seconds=1.0)
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_files_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 2):
        make_demo(tmp_path / str(workers), seed=5, n_corpus=8, n_target=8, seconds=1.0, workers=workers)
    make_demo(tmp_path / "other", seed=6, n_corpus=8, n_target=8, seconds=1.0)
    one, two, other = (_contents(tmp_path / name) for name in ("1", "2", "other"))
    assert len(one) == len(TABLES) + 16
    assert one == two
    assert all(one[name] != other[name] for name in one if name.endswith(".flac"))


def test_every_table_is_there_and_every_track_sounds(demo: Path) -> None:
    assert sorted(path.stem for path in demo.glob("*.csv")) == sorted(TABLES)
    for table, n_tracks in (("tracks", 48), ("ballroom", 24)):
        paths = pd.read_csv(demo / f"{table}.csv")["path"]
        assert len(paths) == n_tracks
        for path in paths:
            sound, sample_rate_hz = read_sound(demo / path)
            assert sound.shape == (2, 22050) and sample_rate_hz == 22050
    assert np.abs(decode(demo / paths[0], 22050, 2)).max() > 0.01


def test_targets_are_of_other_tracks_by_other_artists(demo: Path) -> None:
    corpus, target = pd.read_csv(demo / "tracks.csv"), pd.read_csv(demo / "gtzan.csv")
    assert not set(corpus["track_id"]) & set(target["track_id"])
    assert not set(corpus["artist"]) & set(target["group"])


def test_almost_every_track_has_every_source(demo: Path) -> None:
    tracks = set(pd.read_csv(demo / "tracks.csv")["track_id"])
    for source in ("bpm", "year", "taste", "tags", "lyrics", "cdr_tag", "artist"):
        labelled = set(pd.read_csv(demo / f"{source}.csv")["track_id"])
        assert labelled <= tracks
        assert len(labelled) >= 0.9 * len(tracks)


def test_every_track_is_known_to_enough_listeners_to_be_recommended(demo: Path) -> None:
    plays = pd.read_csv(demo / "plays.csv")
    assert set(plays["track_id"]) == set(pd.read_csv(demo / "lastfm_tracks.csv")["track_id"])
    assert plays.groupby("track_id")["user_id"].nunique().min() >= 5
    assert not plays.duplicated(["user_id", "track_id"]).any()
