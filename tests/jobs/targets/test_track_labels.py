import numpy as np
import pandas as pd
import pytest

from jobs.targets.scoring import read_target
from study.core.errors import InputFaults
from study.core.sections import Target


def target_of(folder, task="classification", **settings):
    return Target(task=task, tracks=folder / "tracks.csv", **settings)


def write(folder, **columns):
    table = {"track_id": [f"t{row:02d}" for row in range(20)], "path": ["x.wav"] * 20, "label": ["a", "b"] * 10}
    table |= columns
    pd.DataFrame({name: column for name, column in table.items() if column is not None}).to_csv(
        folder / "tracks.csv", index=False
    )


def faults_of(target):
    with pytest.raises(InputFaults) as caught:
        read_target(target, "genre")
    return [(fault.key, fault.value, fault.expected) for fault in caught.value.faults]


def test_tracks_stand_in_order_and_paths_below_the_table(tmp_path):
    write(tmp_path, track_id=[f"t{row:02d}" for row in range(19, -1, -1)], path=[f"{row}.wav" for row in range(20)])
    data = read_target(target_of(tmp_path), "genre")
    assert data.track_ids == tuple(f"t{row:02d}" for row in range(20))
    assert data.paths[0] == tmp_path / "19.wav"
    assert data.labels.tolist() == ["b", "a"] * 10
    assert data.groups is None and data.in_test is None and data.plays is None


def test_absolute_paths_stay(tmp_path):
    write(tmp_path, path=["/music/x.wav"] * 20)
    assert str(read_target(target_of(tmp_path), "genre").paths[0]) == "/music/x.wav"


def test_the_split_column_is_used_unless_told_otherwise(tmp_path):
    write(tmp_path, split=["train"] * 16 + ["test"] * 4)
    np.testing.assert_array_equal(read_target(target_of(tmp_path), "genre").in_test, np.arange(20) >= 16)
    assert read_target(target_of(tmp_path, split="random"), "genre").in_test is None
    assert read_target(target_of(tmp_path, folds=2), "genre").in_test is None


def test_all_faults_of_the_table_at_once(tmp_path):
    write(
        tmp_path,
        track_id=["t00", "t00", "", *(f"t{row:02d}" for row in range(3, 20))],
        path=["x.wav"] * 19 + [""],
        label=["a", "", *["b"] * 18],
        group=[""] + ["g"] * 19,
        split=["tset"] + ["train"] * 15 + ["test"] * 4,
    )
    assert {fault[:2] for fault in faults_of(target_of(tmp_path))} == {
        ("row 2 track_id", "t00"), ("row 3 track_id", ""), ("row 20 path", ""), ("row 2 label", ""),
        ("row 1 group", ""), ("row 1 split", "tset"),
    }  # fmt: skip


@pytest.mark.parametrize("labels", [["a"] * 20, ["7"] * 20])
def test_one_class_is_a_fault(tmp_path, labels):
    write(tmp_path, label=labels)
    assert faults_of(target_of(tmp_path)) == [("label", labels[0], "expected two classes or more")]


def test_labels_of_a_regression_are_numbers_that_differ(tmp_path):
    write(tmp_path, label=[*range(18), "nan", "high"])
    keys = [key for key, _, _ in faults_of(target_of(tmp_path, "regression"))]
    assert keys == ["row 19 label", "row 20 label"]
    write(tmp_path, label=[0.5] * 20)
    assert faults_of(target_of(tmp_path, "regression")) == [("label", 0.5, "expected labels that are not all equal")]
    write(tmp_path, label=range(20))
    assert read_target(target_of(tmp_path, "regression"), "genre").labels.tolist() == list(map(float, range(20)))


def test_missing_columns_are_a_fault(tmp_path):
    write(tmp_path, label=None, labels=["a", "b"] * 10)
    ((key, _, expected),) = faults_of(target_of(tmp_path))
    assert key == "label" and expected.startswith("missing column")
    write(tmp_path)
    assert faults_of(target_of(tmp_path, split="published"))[0][0] == "split"


def test_a_published_split_has_both_parts(tmp_path):
    write(tmp_path, split=["train"] * 20)
    assert faults_of(target_of(tmp_path)) == [("split", None, "no track is in test")]


def test_the_nearest_part_is_named(tmp_path):
    write(tmp_path, split=["train"] * 16 + ["Test"] * 4)
    with pytest.raises(InputFaults, match="did you mean 'test'"):
        read_target(target_of(tmp_path), "genre")
