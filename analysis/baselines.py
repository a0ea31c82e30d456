"""Which baseline a run is compared with: an untrained network of the run's own level, where levels change it.

The rows of a baseline have a level in the column of every factor that makes it another network (width, backbone,
activation, initialisation), and none in the others: one baseline for all levels.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.result_checks import factor_columns
from study.core.columns import FACTOR


def by_kind_and_level(baselines: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Each baseline, each level of it, and its rows: `("Random", "Random (width 0.5)", rows)`, or the name twice."""
    for kind, rows in baselines.groupby("strategy"):
        columns = matched_columns(rows)
        if not columns:
            yield str(kind), str(kind), rows
            continue
        for levels, own in rows.groupby(columns, sort=True, dropna=False):
            named = [
                f"{column.removeprefix(FACTOR)} {level:g}" if isinstance(level, float) else str(level)
                for column, level in zip(columns, levels, strict=True)
                if not pd.isna(level)
            ]
            yield str(kind), f"{kind} ({', '.join(named)})" if named else str(kind), own


def with_own_baseline(scores: pd.DataFrame, baseline: pd.DataFrame) -> pd.DataFrame:
    """The rows of `scores` that one baseline was scored for, each with that baseline's mean on the same target and at
    the same levels, as `baseline_score`."""
    keys = ["target", *matched_columns(baseline)]
    means = baseline.groupby(keys)["score"].mean().rename("baseline_score").reset_index()
    return scores.merge(means, on=keys)


def matched_factors(baseline: pd.DataFrame) -> list[str]:
    """The factors of which each level has a baseline of its own."""
    return [column.removeprefix(FACTOR) for column in matched_columns(baseline)]


def matched_columns(baseline: pd.DataFrame) -> list[str]:
    return [column for column in factor_columns(baseline) if baseline[column].notna().any()]
