"""Divide the tracks into those to learn from and those kept for targets; no track or group is in both parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from study.workflow.from_audio.columns import GROUP_NAMES, Column

LEAST_GROUPS = 4
"""Two for each part; fewer cannot be divided."""
LEAST_TARGET_TRACKS = 10
"""The minimum for a target (`jobs.targets.splits`)."""


def group_of(columns: Sequence[Column]) -> Column | None:
    """The column that groups the tracks, if there is one with enough groups."""
    groups = [column for column in columns if column.names_a_group and column.values.nunique() >= LEAST_GROUPS]
    rank = {name: place for place, name in enumerate(GROUP_NAMES)}
    return min(groups, key=lambda column: rank.get(column.name, len(rank)), default=None)


def kept_for_targets(
    track_ids: Sequence[str], columns: Sequence[Column], group: Column | None, rng: np.random.Generator
) -> pd.Series:
    """Which tracks are for targets (bool by track_id): half of them, at least ten; whole groups, stratified by class.

    A track without a group is a group of its own.
    """
    index = pd.Index(track_ids)
    units = index.to_series()
    if group is not None:
        units = ("group " + group.values.reindex(index).astype(object)).fillna(units)
    strata = pd.DataFrame(
        {
            column.name: column.values.reindex(index).astype(str)
            for column in columns
            if column.kind in ("classes", "ordinal") and column is not group
        },
        index=index,
    )
    sizes = units.value_counts(sort=False)
    first_of = strata.groupby(units.to_numpy()).first().reindex(sizes.index)
    order = first_of.assign(_chance=rng.permutation(len(sizes))).sort_values([*strata.columns, "_chance"]).index
    share = max(0.5, min(LEAST_TARGET_TRACKS / len(index), 1.0))
    chosen, taken, seen = [], 0, 0
    for unit in order:  # each unit goes to the part that is behind
        seen += sizes[unit]
        if taken + sizes[unit] / 2 <= share * seen:
            chosen.append(unit)
            taken += sizes[unit]
    return units.isin(chosen)
