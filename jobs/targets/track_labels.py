"""Read target tables into arrays: the tracks, the paths of their sound, and the labels to predict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from jobs.labels.tables import empty_text, faulty_rows, numbers, read_columns
from study.core.errors import Fault, nearest, raise_all
from study.core.sections import Target

PARTS = ("train", "test")


@dataclass(frozen=True)
class TargetData:
    """A target's tracks in order of track_id, so that scores do not depend on the order of its table.

    `labels` (n_tracks,): text (classification) or float64 (regression); None for recommendation. `groups`
    (n_tracks,): text, whose tracks stay in one part of a split; None if the table has none. `in_test`
    (n_tracks,): the published split, true for test; None if there is none or it is unused. `plays`
    (n_users, n_tracks): counts of users `user_ids`; only for recommendation, else None.
    """

    file: str
    task: str
    track_ids: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: np.ndarray | None = None
    groups: np.ndarray | None = None
    in_test: np.ndarray | None = None
    plays: sparse.csr_array | None = None
    user_ids: tuple[str, ...] = ()


def read_track_labels(target: Target) -> TargetData:
    """Read `track_id, path, label[, group][, split]`; `path` is relative to the table's folder.

    The column `split` (train or test) is used unless the target has `split = "random"` or `folds`.
    Raises InputFaults with every fault of the table.
    """
    path = target.tracks
    table = read_columns(path, ("track_id", "path", "label"), ("group", "split"))
    if target.task == "regression":
        labels, faults = numbers(path, table, "label")
        if not faults and len(np.unique(labels)) == 1:
            faults.append(Fault(str(path), "label", labels[0], "expected labels that are not all equal"))
    else:
        faults = empty_text(path, table, "label")
        labels = table["label"].to_numpy(dtype=np.str_)
        if len(np.unique(labels)) == 1:
            faults.append(Fault(str(path), "label", str(labels[0]), "expected two classes or more"))
    groups = None
    if "group" in table:
        faults += empty_text(path, table, "group")
        groups = table["group"].to_numpy(dtype=np.str_)
    in_test, split_faults = _published_split(target, table)
    order, track_faults = _order(path, table)
    raise_all(faults + split_faults + track_faults)
    return TargetData(
        file=str(path),
        task=target.task,
        track_ids=tuple(table["track_id"].iloc[order]),
        paths=_sound_paths(path, table, order),
        labels=labels[order],
        groups=None if groups is None else groups[order],
        in_test=None if in_test is None else in_test[order],
    )


def read_tracks(target: Target) -> TargetData:
    """Read `track_id, path` of a target without labels. Raises InputFaults with every fault of the table."""
    path = target.tracks
    table = read_columns(path, ("track_id", "path"))
    order, faults = _order(path, table)
    raise_all(faults)
    return TargetData(str(path), target.task, tuple(table["track_id"].iloc[order]), _sound_paths(path, table, order))


def _order(path: Path, table: pd.DataFrame) -> tuple[np.ndarray, list[Fault]]:
    """Rows by track_id, and the faults of ids and paths."""
    faults = empty_text(path, table, "track_id") + empty_text(path, table, "path")
    faults += faulty_rows(path, table, "track_id", table["track_id"].duplicated(), "expected each track only once")
    return np.argsort(table["track_id"].to_numpy(dtype=np.str_), kind="stable"), faults


def _sound_paths(path: Path, table: pd.DataFrame, order: np.ndarray) -> tuple[Path, ...]:
    return tuple(path.parent / sound for sound in table["path"].iloc[order])


def _published_split(target: Target, table: pd.DataFrame) -> tuple[np.ndarray | None, list[Fault]]:
    path = target.tracks
    if target.split == "random" or target.folds is not None:
        return None, []
    if "split" not in table:
        missing = Fault(str(path), "split", None, 'missing column; split = "published" needs it')
        return None, [missing] if target.split == "published" else []
    part = table["split"].astype(str)
    faults = faulty_rows(path, table, "split", ~part.isin(PARTS), "expected train or test")
    if faults:
        faults[0] = Fault(
            faults[0].file, faults[0].key, faults[0].value, faults[0].expected, nearest(str(faults[0].value), PARTS)
        )
    else:
        faults = [Fault(str(path), "split", None, f"no track is in {name}") for name in PARTS if name not in set(part)]
    return (part == "test").to_numpy(), faults
