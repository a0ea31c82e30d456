from __future__ import annotations

from pathlib import Path

import pandas as pd

from jobs.few_tracks import write_few_tracks
from study.core.reading import read_study


def test_few_tracks_of_each_table(small_study: Path, tmp_path: Path) -> None:
    given = read_study(small_study)
    files, n_rows = write_few_tracks(given, tmp_path / "few", 10)
    tables = {key: pd.read_parquet(path) for key, path in files.items()}
    assert sorted(tables) == ["corpus.tracks", "targets.height.tracks", "targets.plays.interactions",
                              "targets.plays.tracks", "targets.timbre.tracks"]  # fmt: skip
    assert sum(map(len, tables.values())) == n_rows
    for key, table in tables.items():
        if key.endswith("tracks"):
            assert len(table) == 10 and table["track_id"].is_unique and all(map(Path.is_file, map(Path, table["path"])))
    assert tables["targets.timbre.tracks"]["label"].value_counts().to_dict() == {"bright": 5, "dull": 5}
    plays = pd.read_csv(small_study / "plays.csv")["track_id"].value_counts()
    chosen = tables["targets.plays.tracks"]["track_id"]
    assert plays[chosen].min() >= plays.drop(chosen).max(), "those that most users have played"
    assert set(tables["targets.plays.interactions"]["track_id"]) == set(chosen)
    again, _ = write_few_tracks(given, tmp_path / "again", 10)
    for key, path in again.items():
        pd.testing.assert_frame_equal(pd.read_parquet(path), tables[key])


def test_both_parts_of_a_published_split_have_every_class(small_study: Path, tmp_path: Path) -> None:
    table = pd.read_csv(small_study / "timbre.csv")
    table["split"] = ["train"] * 16 + ["test"] * 4
    table.to_csv(small_study / "timbre.csv", index=False)
    files, _ = write_few_tracks(read_study(small_study), tmp_path / "few", 8)
    few = pd.read_parquet(files["targets.timbre.tracks"])
    assert few.groupby(["split", "label"]).size().to_dict() == {
        (split, label): 2 for split in ("train", "test") for label in ("bright", "dull")
    }
