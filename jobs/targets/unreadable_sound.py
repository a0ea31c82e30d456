"""A target without the clips that cannot be read, under `on_broken = "drop"`; the same for every run."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from jobs.targets.recommendation import LEAST_PLAYS, frequent
from jobs.targets.track_labels import TargetData
from study.core.errors import Fault


def without_tracks(data: TargetData, dropped: Collection[str]) -> TargetData:
    """The target without the tracks in `dropped`; a recommendation also loses users and tracks with too few plays."""
    if not dropped:
        return data
    rows = np.flatnonzero(~np.isin(np.array(data.track_ids, dtype=np.str_), list(dropped)))
    plays, user_ids = data.plays, data.user_ids
    if plays is not None:
        user_rows, track_rows = frequent(plays[:, rows])
        rows = rows[track_rows]
        plays, user_ids = plays[user_rows][:, rows], tuple(user_ids[row] for row in user_rows)
    return replace(
        data,
        track_ids=tuple(data.track_ids[row] for row in rows),
        paths=tuple(data.paths[row] for row in rows),
        labels=None if data.labels is None else data.labels[rows],
        groups=None if data.groups is None else data.groups[rows],
        in_test=None if data.in_test is None else data.in_test[rows],
        plays=plays,
        user_ids=user_ids,
    )


def lost_faults(listed: TargetData, kept: TargetData) -> Iterator[Fault]:
    """Faults for classes and published parts that have lost all their tracks, and for plays without any user left."""
    because = "none of its tracks has readable sound"
    if listed.plays is not None and not kept.user_ids:
        expected = f"among the tracks with readable sound, none has {LEAST_PLAYS} users with {LEAST_PLAYS} tracks each"
        yield Fault(listed.file, "track_id", None, expected)
    if listed.task == "classification":
        for name in np.setdiff1d(listed.labels, kept.labels):
            yield Fault(listed.file, f"label {name}", None, because)
    if listed.in_test is not None:
        for part, in_test in (("train", False), ("test", True)):
            if not (kept.in_test == in_test).any():
                yield Fault(listed.file, f"split {part}", None, because)
