"""Tables of labels that anyone made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.core.errors import InputFaults
from study.workflow.from_audio.label_table import LabelTable, read_label_table

FILES = [Path(f"{'ab'[number % 2]}/{number:06d}.mp3") for number in range(60)]
IDS = [file.with_suffix("").as_posix() for file in FILES]
GENRES = ["rock", "jazz", "folk"] * 20


def read(path: Path, **columns: object) -> LabelTable:
    pd.DataFrame(columns).to_csv(path, index=False, sep={".csv": ",", ".tsv": "\t", ".txt": ";"}[path.suffix])
    return read_label_table(path, FILES, IDS)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
@pytest.mark.parametrize(
    "name_of",
    [lambda f: f.as_posix(), lambda f: f.with_suffix("").as_posix(), lambda f: f.name, lambda f: f.stem,
     lambda f: str(int(f.stem)), lambda f: f"{f.stem}.wav"],
)  # fmt: skip
def test_separator_and_ids_are_found(tmp_path: Path, suffix: str, name_of) -> None:
    ids = [name_of(file) for file in FILES]
    table = read(tmp_path / f"t{suffix}", row=range(1000, 1060), Clip=ids, genre=GENRES, note=["a, b"] * 60)
    assert (table.id_column, table.files_named, table.rows_without_file) == ("Clip", 60, 0)
    row, genre, note = table.columns
    assert (row.kind, genre.kind, note.kind) == ("none", "classes", "none")
    assert genre.values.to_dict() == dict(zip(IDS, GENRES, strict=True))


def test_parquet_with_lists_and_gaps(tmp_path: Path) -> None:
    bpm = np.linspace(60, 180, 60).round(1)
    bpm[5] = np.nan
    tags = [["slow", "sad"], ["fast"], ["fast", "loud"]] * 20
    pd.DataFrame({"file": [f.name for f in FILES], "BPM (beats)": bpm, "tags": tags}).to_parquet(tmp_path / "t.parquet")
    bpm_column, tag_column = read_label_table(tmp_path / "t.parquet", FILES, IDS).columns
    assert (bpm_column.name, bpm_column.kind, len(bpm_column.values)) == ("bpm_beats", "number", 59)
    assert tag_column.kind == "terms" and len(tag_column.values) == 100


def test_several_rows_for_a_track_are_weighted_terms(tmp_path: Path) -> None:
    ids = [file.stem for file in FILES for _ in range(2)]
    table = read(tmp_path / "t.csv", track_id=ids, tag=["slow", "sad", "fast", "loud"] * 30, count=[3, 1] * 60,
                 genre=np.repeat(GENRES, 2))  # fmt: skip
    tag, genre = table.columns
    assert tag.kind == "terms" and tag.values["weight"].tolist() == [3.0, 1.0] * 60
    assert genre.kind == "classes" and len(genre.values) == 60


def test_rows_without_a_file_are_counted(tmp_path: Path) -> None:
    table = read(tmp_path / "t.csv", name=[*(f.stem for f in FILES[:40]), *("gone1", "gone2")], genre=GENRES[:42])
    assert (table.files_named, table.rows_without_file, len(table.columns[0].values)) == (40, 2, 40)


def test_a_table_of_other_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFaults, match="expected a column with the files' names, such as a/000000"):
        read(tmp_path / "t.csv", name=[f"song {number}" for number in range(60)], genre=GENRES)
    (tmp_path / "u.csv").write_bytes(b"name,genre\n\xff\xfe,x\n")
    with pytest.raises(InputFaults, match="cannot be read"):
        read_label_table(tmp_path / "u.csv", FILES, IDS)
