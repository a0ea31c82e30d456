"""Targets without clips that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import sparse

from jobs.targets.recommendation import LEAST_PLAYS, frequent
from jobs.targets.track_labels import TargetData
from jobs.targets.unreadable_sound import lost_faults, without_tracks

IDS = tuple(f"t{number}" for number in range(6))
DATA = TargetData(
    "table.csv", "classification", IDS, tuple(map(Path, IDS)), labels=np.array(["a", "b", "a", "c", "b", "a"]),
    groups=np.array(list("uvwxyz")), in_test=np.array([False, True, False, True, False, False]),
)  # fmt: skip


def test_every_array_loses_the_same_rows() -> None:
    kept = without_tracks(DATA, {"t1", "t5"})
    assert kept.track_ids == ("t0", "t2", "t3", "t4") and kept.paths == tuple(map(Path, kept.track_ids))
    assert "".join(kept.labels) == "aacb" and "".join(kept.groups) == "uwxy"
    assert kept.in_test.tolist() == [False, False, True, False]
    assert without_tracks(DATA, ()) is DATA


def test_classes_and_parts_that_are_lost() -> None:
    assert not list(lost_faults(DATA, without_tracks(DATA, {"t0", "t1"})))
    assert [fault.key for fault in lost_faults(DATA, without_tracks(DATA, {"t1", "t3"}))] == ["label c", "split test"]


def test_plays_are_those_of_a_table_that_never_had_the_tracks() -> None:
    """The largest part in which every user and track has enough plays does not depend on when tracks are dropped."""
    rng = np.random.default_rng(0)
    whole = sparse.csr_array((rng.random((40, 30)) < 0.25).astype(float))
    ids, users = np.array([f"t{number:02d}" for number in range(30)]), np.array([f"u{number}" for number in range(40)])
    rows, columns = frequent(whole)
    listed = replace(
        DATA, task="recommendation", labels=None, groups=None, in_test=None, track_ids=tuple(ids[columns]),
        paths=tuple(map(Path, ids[columns])), plays=whole[rows][:, columns], user_ids=tuple(users[rows]),
    )  # fmt: skip
    dropped = set(ids[columns][::6])
    kept = without_tracks(listed, dropped)
    others = np.flatnonzero(~np.isin(ids, list(dropped)))
    rows, columns = frequent(whole[:, others])
    assert 0 < len(columns) < len(others) - len(dropped) // 2
    assert kept.track_ids == tuple(ids[others][columns]) and kept.user_ids == tuple(users[rows])
    assert (kept.plays != whole[rows][:, others[columns]]).nnz == 0
    everything = without_tracks(listed, set(listed.track_ids[LEAST_PLAYS - 1 :]))
    assert [fault.key for fault in lost_faults(listed, everything)] == ["track_id"]
