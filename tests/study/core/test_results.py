from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.core.paths import Paths
from study.core.reading import read_study
from study.core.results import commit_result, result_schema, stored_results
from study.core.study_file import Study
from study.core.valid_results import read_results
from tests.small_study import STUDY

ROW = {
    "schema_version": 1, "run_id": "ab", "attempt": "1", "phase": "single", "replicate": 0, "strategy": "SS-R",
    "n_sources": 1, "source.self": True, "source.pitch": False, "source.tag": False, "target": "my-target", "repeat": 0,
    "fold": 0, "metric": "accuracy", "score": 0.5, "outcome": "ok", "train_seconds": 1.0, "train_steps": 3,
    "eval_seconds": 0.1, "device": "cpu", "precision": "float32", "n_parameters": 10, "representation_dim": 32,
    "seed": 5, "threads": 1, "data_fingerprint": "d", "target_fingerprint": "f", "train_scores_version": 1,
    "probe_scores_version": 1, "code_version": "0", "started_at": pd.Timestamp(0, tz="UTC"),
    "finished_at": pd.Timestamp(1, tz="UTC"),
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return read_study(tmp_path)


def test_round_trip(study: Study, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    path = paths.result("ab", "my-target", "f")
    assert commit_result(path, [ROW, ROW | {"repeat": 1, "score": None, "outcome": "diverged"}], study)
    assert pq.read_schema(path).equals(result_schema(study))
    (stored,) = stored_results(paths)
    assert (stored.run_id, stored.target, stored.fingerprint) == ("ab", "my-target", "f")
    rows, faults = read_results(paths)
    assert not faults and rows["score"].isna().tolist() == [False, True]
    assert list(rows) == result_schema(study).names


def test_the_first_commit_counts(study: Study, tmp_path: Path) -> None:
    path = Paths(tmp_path).result("ab", "my-target", "f")
    assert commit_result(path, [ROW], study)
    assert not commit_result(path, [ROW | {"score": 0.9, "attempt": "2"}], study)
    assert read_results(Paths(tmp_path))[0]["score"].tolist() == [0.5]


def test_a_row_without_a_value_is_not_committed(study: Study, tmp_path: Path) -> None:
    path = Paths(tmp_path).result("ab", "my-target", "f")
    with pytest.raises(ValueError, match="column device has no value"):
        commit_result(path, [ROW | {"device": None}], study)
    assert not path.exists()


def test_a_file_being_written_is_not_a_result(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "ab"
    folder.mkdir(parents=True)
    (folder / ".my-target-f.parquet.123.tmp").touch()
    (folder / ".my-target-f.parquet").touch()
    assert not list(stored_results(Paths(tmp_path)))
