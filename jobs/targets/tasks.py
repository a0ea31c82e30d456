"""What the task of a target is: how its table is read, and how a representation is scored on a split of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.targets.splits import Split
from jobs.targets.track_labels import TargetData
from study.core.sections import Target

Scored = tuple[dict[str, float], pd.DataFrame]


@dataclass(frozen=True)
class TargetTask:
    """`read(target)` -> the tracks in order of track_id, and what is to be predicted: `labels` (n_tracks, ...) of
    numbers or text;

    `score(data, target, split, features, seed)` -> the value of each metric of `target.metric_names`, larger is better,
    for features (n_tracks, d) that are scaled already, and one row per test item with what it was made from. Only the
    tracks `split.train` may be learned from; all randomness comes from `seed`;
    `metrics` are the names that a target may ask for.
    """

    read: Callable[[Target], TargetData]
    score: Callable[[TargetData, Target, Split, np.ndarray, np.random.SeedSequence], Scored]
    metrics: tuple[str, ...]
