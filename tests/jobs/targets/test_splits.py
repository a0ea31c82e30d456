from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobs.targets.splits import split_faults, target_splits
from jobs.targets.track_labels import TargetData
from study.core.errors import InputFaults
from study.core.sections import Target


def data_of(labels, groups=None, in_test=None, task="classification") -> TargetData:
    ids = tuple(f"t{row:04d}" for row in range(len(labels)))
    return TargetData(
        file="tracks.csv",
        task=task,
        track_ids=ids,
        paths=tuple(Path(track) for track in ids),
        labels=np.array(labels),
        groups=None if groups is None else np.array(groups),
        in_test=None if in_test is None else np.array(in_test),
    )


def target_of(task="classification", **settings) -> Target:
    return Target(task=task, tracks=Path("tracks.csv"), **settings)


def messages(data, target):
    return [f"{fault.key}: {fault.expected}" for fault in split_faults(data, target)]


def test_random_splits_are_80_20_and_stratified():
    labels = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    splits = target_splits(data_of(labels), target_of(), 1, "genre")
    assert [(split.repeat, split.fold, split.published) for split in splits] == [(r, 0, False) for r in range(5)]
    for split in splits:
        names, counts = np.unique(np.array(labels)[split.test], return_counts=True)
        assert dict(zip(names, counts, strict=True)) == {"a": 10, "b": 6, "c": 4}
    assert len({tuple(split.test) for split in splits}) == 5


def test_more_repeats_keep_the_first_ones():
    data = data_of(["a", "b"] * 20)
    few, many = (target_splits(data, target_of(repeats=n), 1, "genre") for n in (2, 6))
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one.test, other.test)


def test_folds_are_one_repeat():
    splits = target_splits(data_of(["a", "b"] * 20), target_of(folds=4), 1, "genre")
    assert [(split.repeat, split.fold) for split in splits] == [(0, fold) for fold in range(4)]


def test_folds_of_what_publishes_no_split():
    """The authors' code: five stratified folds, or five probes on the published split."""
    target = target_of(unsplit="folds")
    splits = target_splits(data_of(["a", "b"] * 20), target, 1, "genre")
    assert [(split.repeat, split.fold) for split in splits] == [(0, fold) for fold in range(5)]
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(40))
    assert {tuple(np.unique(split.test % 2, return_counts=True)[1]) for split in splits} == {(4, 4)}
    published = target_splits(data_of(["a", "b"] * 20, in_test=[False] * 30 + [True] * 10), target, 1, "genre")
    assert [(split.repeat, split.fold, split.published) for split in published] == [(r, 0, True) for r in range(5)]
    for made in (splits, published):
        assert tuple((split.repeat, split.fold) for split in made) in target.possible_splits


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), min_size=12, max_size=80),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["classification", "regression"]),
    st.integers(0, 100),
)
def test_any_target_without_faults_is_divided(rows, grouped, folded, task, seed):
    labels = [label for label, _ in rows] if task == "classification" else np.arange(len(rows), dtype=float)
    groups = [f"g{group}" for _, group in rows] if grouped else None
    data, target = data_of(labels, groups, task=task), target_of(task, folds=3 if folded else None)
    assume(task == "regression" or len(set(labels)) > 1)
    assume(not messages(data, target))
    try:
        splits = target_splits(data, target, seed, "genre")
    except InputFaults as error:
        assert grouped and "all its tracks are in the test part" in str(error)
        return
    for split in splits:
        np.testing.assert_array_equal(np.union1d(split.train, split.test), np.arange(len(rows)))
        assert len(split.train) + len(split.test) == len(rows)
        assert split.train.size and split.test.size
        if grouped:
            assert not set(data.groups[split.train]) & set(data.groups[split.test])
        if task == "classification":
            assert set(data.labels[split.train]) == set(data.labels)


def test_groups_of_classes_that_are_all_small_cannot_be_divided():
    groups = ["g0", "g0", "g0", "g4", "g0", "g0", "g0", "g3", "g0", "g0", "g1", "g2"]
    told = messages(data_of([*"aaaabbbbcccc"], groups), target_of())
    assert told == ["label: expected 5 tracks or more of some class to split"]


def test_too_few_tracks():
    assert messages(data_of(["a", "b"] * 4), target_of()) == [": expected 10 tracks or more"]


def test_classes_too_small_to_split_are_all_named():
    data = data_of(["a"] * 10 + ["b"] * 10 + ["c", "d"])
    expected = "expected 2 tracks or more of this class to split"
    assert messages(data, target_of()) == [f"label c: {expected}", f"label d: {expected}"]
    assert messages(data_of(["a"] * 10 + ["b"] * 3), target_of(folds=5)) == [
        "label b: expected 5 tracks or more of this class to split"
    ]


def test_more_classes_than_a_test_part_has_tracks():
    data = data_of([f"class {row % 9}" for row in range(20)])
    assert messages(data, target_of()) == ["label: expected at most 4 classes, the size of a test part"]


def test_a_class_of_one_group_cannot_be_tested():
    groups = [f"g{row % 8}" for row in range(30)] + ["only"] * 6
    data = data_of(["a"] * 15 + ["b"] * 15 + ["c"] * 6, groups)
    assert messages(data, target_of()) == ["label c: expected 2 groups or more of this class to split"]


def test_too_few_groups():
    data = data_of(np.arange(20.0), ["x", "y"] * 10, task="regression")
    assert messages(data, target_of("regression")) == ["group: expected 5 groups or more to split"]


def test_too_few_tested_tracks_for_a_regression():
    assert messages(data_of(np.arange(12.0), task="regression"), target_of("regression", folds=8)) == [
        ": expected 2 tracks or more in every test part"
    ]
    single = data_of(np.arange(12.0), in_test=np.arange(12) == 3, task="regression")
    assert messages(single, target_of("regression")) == [": expected 2 tracks or more in every test part"]


def test_a_published_split_that_leaks_is_a_fault():
    in_test = [row >= 15 for row in range(20)]
    data = data_of(["a", "b"] * 9 + ["c", "c"], [f"g{row % 17}" for row in range(20)], in_test)
    expected = "is in train and in test; expected in only one"
    assert messages(data, target_of()) == [
        *(f"group: {expected}" for _ in range(3)),
        "label: no track of this class is in train",
    ]
