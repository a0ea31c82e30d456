"""One of several levels per track: classes, which have nothing in common, and ordered levels, which resemble their
neighbours.

P(factor j | level i) is 1 where j = i for classes, and proportional to `NEIGHBOUR`^|i - j| for ordered levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.labels.tables import empty_text, faulty_ids, numbers, read_columns, rows_of
from study.core.errors import Fault, nearest, raise_all
from study.core.sections import Source

NEIGHBOUR = 0.15
"""Probability of the next level over that of the level itself: six equally frequent levels keep 60 % of their
information."""
LEVELS_SHOWN = 12
"""The most levels that a fault lists."""
MOST_LEVELS = 10_000

LevelName = str | float


@dataclass(frozen=True)
class LevelTable:
    """`values` (n_tracks,): the position of each track's level in `levels`.

    `fixed`: the study file names the levels, so all of them have a factor, whichever occur among training tracks.
    """

    file: str
    track_ids: tuple[str, ...]
    levels: tuple[LevelName, ...]
    values: np.ndarray
    fixed: bool = False

    def select(self, track_ids: Sequence[str]) -> LevelTable:
        """Select rows by track_id, in the given order. Raises InputFaults naming the tracks without a label."""
        rows = rows_of(self.file, self.track_ids, track_ids)
        return replace(self, track_ids=tuple(track_ids), values=self.values[rows])


@dataclass(frozen=True)
class LevelModel:
    """The levels that have a factor, in the order of the factors, and the probability of a neighbour (0: classes)."""

    levels: tuple[LevelName, ...]
    neighbour: float


def read_classes(path: Path) -> LevelTable:
    """Read `track_id, value`, one row per track; values are names. Raises InputFaults with every fault of the table."""
    table = read_columns(path, ("track_id", "value"))
    raise_all(empty_text(path, table, "value") + faulty_ids(path, table))
    return _level_table(path, table, sorted(set(table["value"])))


def read_ordinal(path: Path, order: Sequence[str] | None) -> LevelTable:
    """Read `track_id, value`, one row per track; levels are numbers, ordered by size, or the names in `order`.

    Raises InputFaults with every fault of the table: also names without an order, names that the order lacks, and names
    in the order that no track has.
    """
    table = read_columns(path, ("track_id", "value"))
    if order is not None:
        faults = list(_faults_of_order(path, table["value"].dropna().astype(str), order))
        raise_all(empty_text(path, table, "value") + faults + faulty_ids(path, table))
        return _level_table(path, table, order, fixed=True)
    written = table["value"].astype(str)
    values, faults = numbers(path, table, "value")
    if np.isnan(values).all():
        some = ", ".join(f'"{level}"' for level in sorted(set(written))[:LEVELS_SHOWN])
        expected = f"text has no inherent order; expected order = [...] in the source, lowest first, with {some}"
        faults = [Fault(str(path), "value", None, expected)]
    raise_all(faults + faulty_ids(path, table))
    return _level_table(path, table.assign(value=values), np.unique(values).tolist())


def fit_classes(table: LevelTable, training: np.ndarray, factors: int, rng: np.random.Generator) -> LevelModel:
    """One factor per level of the tracks where `training` (n_tracks,) is true. Nothing is drawn from `rng`.

    Raises InputFaults if their number is not `factors`.
    """
    raise_all(level_faults(table, training, factors))
    return LevelModel(_levels(table, training), 0.0)


def fit_ordinal(table: LevelTable, training: np.ndarray, factors: int, rng: np.random.Generator) -> LevelModel:
    """As `fit_classes`, with neighbouring levels alike."""
    raise_all(level_faults(table, training, factors))
    return LevelModel(_levels(table, training), NEIGHBOUR)


def level_faults(table: LevelTable, training: np.ndarray, factors: int) -> Iterator[Fault]:
    """Why the training tracks' levels cannot be learned, or are not `factors` in number."""
    present, count = len(np.unique(table.values[training])), len(_levels(table, training))
    if not 2 <= present <= MOST_LEVELS:
        yield Fault(table.file, "value", None, f"training tracks have {present} levels; expected 2 to {MOST_LEVELS}")
    elif factors != count:
        yield Fault(table.file, "factors", factors, f"expected {count}, the number of levels of training tracks")


def number_of_levels(source: Source, table: LevelTable, training: np.ndarray) -> int:
    """The factors of a source of levels: the number in the study file, which is checked, else the number of levels."""
    return source.factors if "factors" in source.model_fields_set else len(_levels(table, training))


def level_distribution(model: LevelModel, table: LevelTable) -> np.ndarray:
    """P(factor | level) of every track of the table, (n_tracks, factors); NaN where no training track had the level."""
    position_of = {level: position for position, level in enumerate(model.levels)}
    positions = np.array([position_of.get(level, -1) for level in table.levels])[table.values]
    steps = np.abs(positions[:, None] - np.arange(len(model.levels)))
    distribution = np.power(model.neighbour, steps, dtype=np.float64)  # 0 to the 0 is 1
    distribution /= distribution.sum(axis=1, keepdims=True)
    distribution[positions < 0] = np.nan
    return distribution


def _levels(table: LevelTable, training: np.ndarray) -> tuple[LevelName, ...]:
    """The levels that have a factor."""
    present = np.unique(table.values[training])
    return table.levels if table.fixed else tuple(table.levels[position] for position in present)


def _faults_of_order(path: Path, values: pd.Series, order: Sequence[str]) -> Iterator[Fault]:
    """Values that the order lacks, and levels of the order that no track has: either may be misspelt."""
    n_tracks = values[values != ""].value_counts(sort=False)
    unknown = [level for level in n_tracks.index if level not in order]
    unused = [level for level in order if level not in n_tracks.index]
    for level in unknown:
        yield Fault(
            str(path),
            "value",
            level,
            f"of {n_tracks[level]} tracks: missing from the source's `order`",
            nearest(level, order),
        )
    for level in unused:
        yield Fault(str(path), "value", level, "in the source's `order`, but no track has it", nearest(level, unknown))


def _level_table(path: Path, table: pd.DataFrame, levels: Sequence[LevelName], fixed: bool = False) -> LevelTable:
    position_of = {level: position for position, level in enumerate(levels)}
    values = table["value"].map(position_of).to_numpy(np.intp)
    return LevelTable(str(path), tuple(table["track_id"]), tuple(levels), values, fixed)
