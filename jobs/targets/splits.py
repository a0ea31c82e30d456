"""Split a target's tracks for training and testing a probe: published, random 80/20, or k folds.

Splits depend only on the study's seed and the target's name, so every run is scored on the same ones.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

from jobs.targets.track_labels import TargetData
from study.core.errors import Fault, raise_all
from study.core.sections import Target

TEST_PART = 0.2
LEAST_TRACKS = 10


@dataclass(frozen=True)
class Split:
    """`train` and `test` are rows of the target's tracks, disjoint, ascending.

    `published`: the target's own test set, the same in every repeat; repeats differ by the probe's seed.
    """

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    published: bool = False


def split_faults(data: TargetData, target: Target) -> Iterator[Fault]:
    """Why the target's tracks cannot be split as requested, if they cannot."""
    n_tracks = len(data.track_ids)
    if n_tracks < LEAST_TRACKS:
        yield Fault(data.file, "", n_tracks, f"expected {LEAST_TRACKS} tracks or more")
        return
    n_folds = _n_folds(data, target)
    parts = n_folds or (2 if data.in_test is None else 1)
    units = np.array(data.track_ids) if data.groups is None else data.groups
    what = "tracks" if data.groups is None else "groups"
    if data.in_test is not None:
        yield from _published_faults(data)
    else:
        n_units = len(np.unique(units))
        needed = n_folds or (2 if data.groups is None else round(1 / TEST_PART))
        if n_units < needed:
            yield Fault(data.file, "group", n_units, f"expected {needed} {what} or more to split")
    if data.task == "regression":
        n_tested = n_tracks // (n_folds or round(1 / TEST_PART)) if data.in_test is None else int(data.in_test.sum())
        if n_tested < 2:
            yield Fault(data.file, "", n_tested, "expected 2 tracks or more in every test part")
    if data.task == "classification":
        classes = np.unique(data.labels)
        for name in classes:
            n = len(np.unique(units[data.labels == name]))
            if n < parts:
                yield Fault(data.file, f"label {name}", n, f"expected {parts} {what} or more of this class to split")
        grouped = round(1 / TEST_PART)  # a grouped random split is one of them
        most = max(int((data.labels == name).sum()) for name in classes)
        if parts == 2 and data.groups is not None and n_folds is None and most < grouped:
            yield Fault(data.file, "label", most, f"expected {grouped} tracks or more of some class to split")
        n_test = ceil(TEST_PART * n_tracks)
        if parts == 2 and data.groups is None and n_test < len(classes):
            yield Fault(data.file, "label", len(classes), f"expected at most {n_test} classes, the size of a test part")


def target_splits(data: TargetData, target: Target, study_seed: int, name: str) -> list[Split]:
    """The target's splits: `repeats` of them, or one repeat of `folds` (or, under `unsplit`, of `repeats` folds).

    Stratified by label (classification); groups, if any, stay together. Raises InputFaults if a class is left
    without a training track because its groups cannot be divided.
    """
    if data.in_test is not None:
        train, test = np.flatnonzero(~data.in_test), np.flatnonzero(data.in_test)
        splits = [Split(repeat, 0, train, test, published=True) for repeat in range(target.repeats)]
    else:
        seeds = np.random.SeedSequence(study_seed, spawn_key=(zlib.crc32(f"splits of {name}".encode()),))
        rows = np.arange(len(data.track_ids))
        if (n_folds := _n_folds(data, target)) is not None:
            folds = _folder(data, n_folds, int(seeds.generate_state(1)[0])).split(rows, data.labels, data.groups)
            splits = [Split(0, fold, *parts) for fold, parts in enumerate(_quietly(folds))]
        else:
            test_part = target.holdout or TEST_PART
            splits = []
            for repeat, seed in enumerate(seeds.generate_state(target.repeats)):
                divided = _divider(data, test_part, int(seed)).split(rows, data.labels, data.groups)
                train, test = _quietly(divided)[0]
                splits.append(Split(repeat, 0, np.sort(train), np.sort(test)))
    for split in splits:
        assert np.array_equal(np.sort(np.concatenate((split.train, split.test))), np.arange(len(data.track_ids)))
        assert data.groups is None or not np.intersect1d(data.groups[split.train], data.groups[split.test]).size
    raise_all(fault for split in splits for fault in _untaught(data, split))
    return splits


def how_split(data: TargetData, target: Target) -> str:
    """In words, for people: `5 random splits, grouped`."""
    if data.in_test is not None:
        return "held out of training" if target.source is not None else "published"
    n_folds = _n_folds(data, target)
    how = f"{n_folds} folds" if n_folds else f"{target.repeats} random splits"
    parts = ["stratified"] * (data.task == "classification") + ["grouped"] * (data.groups is not None)
    return ", ".join([how, *parts])


def _n_folds(data: TargetData, target: Target) -> int | None:
    """None if the target is split at random or has a published split."""
    of_unsplit = target.repeats if target.unsplit == "folds" and data.in_test is None else None
    return target.folds or of_unsplit


def _divider(data: TargetData, test_part: float, seed: int) -> BaseCrossValidator:
    """One random split; with groups and classes, the first of the folds that stratify best."""
    if data.groups is None:
        kind = StratifiedShuffleSplit if data.task == "classification" else ShuffleSplit
        return kind(1, test_size=test_part, random_state=seed)
    if data.task == "classification":
        return StratifiedGroupKFold(round(1 / test_part), shuffle=True, random_state=seed)
    return GroupShuffleSplit(1, test_size=test_part, random_state=seed)


def _folder(data: TargetData, folds: int, seed: int) -> BaseCrossValidator:
    if data.task == "classification":
        kind = StratifiedKFold if data.groups is None else StratifiedGroupKFold
    else:
        kind = KFold if data.groups is None else GroupKFold
    return kind(folds, shuffle=True, random_state=seed)


def _quietly(divided: Iterator[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    with warnings.catch_warnings():
        # A class may have fewer tracks than folds; test parts without it are scored without it.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(divided)


def _published_faults(data: TargetData) -> Iterator[Fault]:
    train, test = ~data.in_test, data.in_test
    if data.groups is not None:
        for group in np.intersect1d(data.groups[train], data.groups[test]):
            yield Fault(data.file, "group", str(group), "is in train and in test; expected in only one")
    if data.task == "classification":
        for name in np.setdiff1d(data.labels[test], data.labels[train]):
            yield Fault(data.file, "label", str(name), "no track of this class is in train")


def _untaught(data: TargetData, split: Split) -> Iterator[Fault]:
    if data.task == "classification":
        for name in np.setdiff1d(data.labels, data.labels[split.train]):
            yield Fault(
                data.file,
                f"label {name}",
                None,
                f"all its tracks are in the test part of repeat {split.repeat}, fold {split.fold}; "
                "expected more groups of this class",
            )
