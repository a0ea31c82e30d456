"""One definition of a valid result: what it refuses, whether the file has a digest or not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import launch as story
from jobs.prepared_data import read_prepared
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.result_index import survey_results
from study.core.results import commit_result
from study.core.run import baseline_runs
from study.core.study_file import Study
from study.core.valid_results import checked_results, expected_results, read_results
from study.workflow.analysis import own_results
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.status import study_status

RELEASE = Path(__file__).parents[2] / "fixtures" / "release-0.1" / "three-runs"


@pytest.fixture
def study(run_study: Path, tmp_path: Path) -> Study:
    return read_study(shutil.copytree(run_study, tmp_path / "study"))


def a_result(study: Study, target: str = "timbre") -> Path:
    run = read_plan(Paths(study.store).plan, study)[0]
    return Paths(study.store).result(run.run_id, target, read_prepared(study).targets[target].fingerprint)


def rewrite(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """As somebody else's program would write it, without the digest."""
    schema, rows = pq.read_schema(path), change(pq.read_table(path).to_pandas())
    types = {field.name: field.type for field in schema}
    columns = {name: pa.array(list(rows[name]), types.get(name), from_pandas=name != "score") for name in rows}
    pq.write_table(pa.table(columns), path)


def faults(study: Study) -> list[str]:
    runs = baseline_runs(study) + read_plan(Paths(study.store).plan, study)
    return list(map(str, read_results(Paths(study.store), expected_results(
        study, runs, read_prepared(study).target_fingerprints))[1]))  # fmt: skip


TAMPERINGS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "NaN with outcome ok": lambda rows: rows.assign(score=np.nan),
    "no score with outcome ok": lambda rows: rows.assign(score=[None] * len(rows)).astype({"score": object}),
    "infinite": lambda rows: rows.assign(score=np.inf),
    "a score with another outcome": lambda rows: rows.assign(outcome="diverged"),
    "a missing row": lambda rows: rows[1:],
    "no rows": lambda rows: rows[:0],
    "a row twice": lambda rows: pd.concat([rows, rows[:1]]),
    "a repeat too many": lambda rows: rows.assign(repeat=rows["repeat"] + 1),
    "a negative fold": lambda rows: rows.assign(fold=-1),
    "accuracy 7.0": lambda rows: rows.assign(score=7.0),
    "outcome banana": lambda rows: rows.assign(outcome="banana"),
    "a renamed metric": lambda rows: rows.assign(metric="acuracy"),
    "another schema version": lambda rows: rows.assign(schema_version=2),
    "a version to come": lambda rows: rows.assign(probe_scores_version=99),
    "another run's": lambda rows: rows.assign(run_id="f" * 16),
    "another strategy": lambda rows: rows.assign(strategy="MSS-CR"),
    "another source": lambda rows: rows.assign(**{"source.pitch": ~rows["source.pitch"]}),
    "another seed": lambda rows: rows.assign(seed=6),
    "another fingerprint": lambda rows: rows.assign(target_fingerprint="f" * 16),
    "a column less": lambda rows: rows.drop(columns="device"),
    "a source less": lambda rows: rows.drop(
        columns=[name for name in rows if name[:7] == "source." and rows[name].all()]
    ),
    "a column more": lambda rows: rows.assign(moon="full"),
    "a source that is not the study's": lambda rows: rows.assign(**{"source.moon": True}),
    "an empty cell": lambda rows: rows.assign(device=None),
}


def test_every_tampering_is_found_without_a_digest(study: Study) -> None:
    path = a_result(study)
    whole = path.read_bytes()
    for name, change in TAMPERINGS.items():
        path.write_bytes(whole)
        rewrite(path, change)
        found = faults(study)
        assert len(found) == 1 and path.name in found[0], name
    path.write_bytes(whole)
    assert not faults(study)


def test_launch_status_and_analysis_refuse_the_same(study: Study) -> None:
    path, prepared = a_result(study), read_prepared(study)
    rewrite(path, TAMPERINGS["accuracy 7.0"])
    lines: list[str] = []
    rows = own_results(study, lines.append)
    assert len(lines) == 1 and path.name in lines[0]
    assert not ((rows["run_id"] == path.parent.name) & (rows["target"] == "timbre")).any()
    status = study_status(study)
    assert (status["done"], status["planned"]) == (rows["run_id"].nunique() - 1, rows["run_id"].nunique())
    runs = read_plan(Paths(study.store).plan, study)
    (fault,) = story.set_invalid_aside(
        survey_results(Paths(study.store), expected_results(study, runs, prepared.target_fingerprints))
    )
    assert str(fault) == lines[0] and list(story.missing_targets(study, prepared, runs)) == runs[:1]


def test_what_is_set_aside_is_evaluated_again_to_the_same_rows(study: Study) -> None:
    times = ["attempt", "eval_seconds", "started_at", "finished_at"]
    key = ["run_id", "target", "repeat", "fold", "metric"]
    before = own_results(study).drop(columns=times).sort_values(key, ignore_index=True)
    for target, tampering in (("timbre", "accuracy 7.0"), ("height", "a missing row"), ("plays", "infinite")):
        rewrite(a_result(study, target), TAMPERINGS[tampering])
    launch_study(study, LaunchOptions(in_process=True))
    assert not faults(study)
    after = own_results(study).drop(columns=times).sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(after, before, check_exact=True)


def test_every_flipped_bit_is_found_or_changes_no_row(study: Study, tmp_path: Path) -> None:
    path = a_result(study)
    whole, rows = path.read_bytes(), pq.read_table(path)
    expected = {path: next(
        value for key, value in expected_results(study, read_plan(Paths(study.store).plan, study),
                                                 read_prepared(study).target_fingerprints).items() if key == path
    )}  # fmt: skip
    rng = np.random.default_rng(13)
    for bit in rng.choice(8 * len(whole), 300, replace=False):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        (checked,) = checked_results(Paths(study.store), expected)
        assert checked.fault is not None or checked.table.equals(rows), bit


def test_damage_that_a_reader_of_parquet_cannot_see(study: Study) -> None:
    """Another score under the old digest."""
    path = a_result(study)
    table = pq.read_table(path)
    scores = pa.array(np.asarray(table["score"])[::-1] * 0.5)
    pq.write_table(table.set_column(table.schema.get_field_index("score"), "score", scores), path)
    (fault,) = faults(study)
    assert "the rows are not those that were written" in fault


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_what_is_not_parquet_is_invalid(study: Study, damage: str) -> None:
    path = a_result(study)
    path.write_bytes({"truncated": path.read_bytes()[:100], "empty": b"", "text": b"PAR1 not really PAR1"}[damage])
    (fault,) = faults(study)
    assert "truncated or not Parquet" in fault and "sets it aside" in fault


def test_a_file_that_cannot_be_read_is_named_and_left(study: Study) -> None:
    """It may be whole: its disk, its mode or its server is what is wrong."""
    path = a_result(study)
    path.rename(path.with_suffix(".whole"))
    path.symlink_to(path)  # the system refuses to open a link to itself, for root too
    for read in (own_results, lambda study: launch_study(study, LaunchOptions(in_process=True))):
        with pytest.raises(InputFaults, match=rf"{path.name}: cannot be read"):
            read(study)
    assert path.is_symlink()


def test_results_of_before_are_valid_and_listed_as_unverified(tmp_path: Path) -> None:
    study = read_study(shutil.copytree(RELEASE, tmp_path / "release"))
    assert not faults(study)
    status = study_status(study)
    assert status["done"] == 6 and len(status["unverified"]) == 12


def test_a_new_result_is_verified(study: Study) -> None:
    assert study_status(study)["unverified"] == []
    path = a_result(study)
    rewrite(path, lambda rows: rows)
    assert not faults(study), "without a digest it is as valid as one of before"
    assert study_status(study)["unverified"] == [f"{path.parent.name}/timbre"]


def test_a_source_that_came_later_needs_no_column(study: Study) -> None:
    path = a_result(study)
    rewrite(path, lambda rows: rows.drop(columns="source.tag"))
    assert ("source.tag: no such column" in "".join(faults(study))) == ("tag" in read_plan(
        Paths(study.store).plan, study)[0].sources)  # fmt: skip


def test_commit_writes_a_digest_of_the_rows_it_wrote(study: Study, tmp_path: Path) -> None:
    rows = pq.read_table(a_result(study)).to_pylist()
    path = Paths(tmp_path).result(rows[0]["run_id"], "timbre", rows[0]["target_fingerprint"])
    assert commit_result(path, rows, study)
    (checked,) = checked_results(Paths(tmp_path))
    assert checked.fault is None and checked.is_verified and checked.table.to_pylist() == rows
