"""A target that is made of a source: the corpus's tracks with its labels, of which those held out of training are the
test part. It is what a network's own output for the source can be scored on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from jobs.targets.track_labels import TargetData
from study.core.errors import Fault
from study.core.study_file import Study


def held_out_target(
    study: Study,
    name: str,
    track_ids: Sequence[str],
    path_of: Mapping[str, str],
    training: np.ndarray,
    labels: np.ndarray,
) -> TargetData:
    """The tracks that have labels, as a published split.

    `track_ids` are the corpus's, `training` (n_tracks,) bool, `labels` (n_tracks, factors) as prepared; a row of NaN is
    a track without them. Tags stay 0 or 1, (n, factors); of classes and levels, the label is the number of the factor,
    from 1, as text.
    """
    target = study.targets[name]
    kept = np.flatnonzero(~np.isnan(labels).any(axis=1))
    of_tracks = labels[kept].astype(np.int8) if target.task == "multilabel" else as_classes(labels[kept])
    names = tuple(str(track_ids[row]) for row in kept)
    return TargetData(
        file=str(study.sources[str(target.source)].file),
        task=target.task,
        track_ids=names,
        paths=tuple(Path(path_of[track_id]) for track_id in names),
        labels=of_tracks,
        in_test=~training[kept],
    )


def empty_part_faults(data: TargetData) -> Iterator[Fault]:
    """Parts of such a target without any track that has labels."""
    for part, in_part in (("training", ~data.in_test), ("held-out", data.in_test)):
        if not in_part.any():
            yield Fault(data.file, "track_id", None, f"no {part} track of [corpus] has labels for a target of its own")


def as_classes(shares: np.ndarray) -> np.ndarray:
    """The number of the largest factor of each row, from 1, as text (n,)."""
    return np.array([str(1 + factor) for factor in shares.argmax(axis=1)], dtype=np.str_)
