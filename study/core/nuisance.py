"""Nuisance factors: levels of no interest (the type of GPU, a batch of data, a node) that are spread evenly over runs.

They are no part of a run: no combination is run once for each, no run's id has them and no model estimates them. Each
run of a plan, in order, is assigned the level that leaves the levels least different in what their runs are (strategy,
sources, further factors, other nuisance levels): minimisation, Pocock & Simon 1975. Whatever the levels do to scores
then hardly touches the effects of interest. A level once assigned stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from study.core.factors import Level
from study.core.run import Run
from study.core.scales import are_numbers, scaled
from study.core.study_file import Study

MOST_UNEVEN = 2
"""Runs by which the levels of a nuisance factor may differ in use."""


def assigned(
    study: Study, runs: Sequence[Run], earlier: Mapping[str, Mapping[str, Level]] | None = None
) -> list[dict[str, Level | None]]:
    """The level of each nuisance factor for each run of a plan, in order; None in a phase that does not name it.

    `earlier` has what runs were assigned before, by id.
    """
    found: list[dict[str, Level | None]] = [{} for _ in runs]
    columns = _columns(study, runs)
    for name, levels in study.nuisance_factors.items():
        phases = {phase.name for phase in study.phases if name in phase.nuisance}
        before = [(earlier or {}).get(run.run_id, {}).get(name) for run in runs]
        chosen = _spread(columns, levels, before, [run.phase in phases for run in runs])
        for row, place in zip(found, chosen, strict=True):
            row[name] = None if place is None else levels[place]
        indicators = np.array([[place == level for level in range(len(levels))] for place in chosen], dtype=float)
        columns = np.column_stack([columns, indicators.reshape(len(runs), len(levels))])
    return found


def largest_correlation(study: Study, runs: Sequence[Run], chosen: Sequence[Level | None]) -> float:
    """The largest absolute correlation of a level's indicator with a strategy, source or further factor's."""
    have = [row for row, level in enumerate(chosen) if level is not None]
    columns = _columns(study, [runs[row] for row in have])
    levels = list(dict.fromkeys(chosen[row] for row in have))
    indicators = np.array([[chosen[row] == level for level in levels] for row in have], dtype=float)
    every = np.column_stack([columns, indicators.reshape(len(have), len(levels))])
    centred = every - every.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(length > 0, length, 1)
    return float(np.abs(unit[:, : columns.shape[1]].T @ unit[:, columns.shape[1] :]).max(initial=0.0))


def _spread(
    columns: np.ndarray, levels: Sequence[Level], before: Sequence[Level | None], takes_part: Sequence[bool]
) -> list[int | None]:
    """The place among the levels for each run (n_runs,); None for those that take no part."""
    counts, sums = np.zeros(len(levels)), np.zeros((len(levels), columns.shape[1]))
    chosen: list[int | None] = []
    for x, known, part in zip(columns, before, takes_part, strict=True):
        if not part:
            chosen.append(None)
            continue
        place = levels.index(known) if known in levels else _least_different(counts, sums, x)
        counts[place] += 1
        sums[place] += x
        chosen.append(place)
    return chosen


def _least_different(counts: np.ndarray, sums: np.ndarray, x: np.ndarray) -> int:
    differences = np.full(len(counts), np.inf)
    for place in np.flatnonzero(counts < counts.min() + MOST_UNEVEN):
        after, total = counts.copy(), sums.copy()
        after[place] += 1
        total[place] += x
        expected = np.outer(after / after.sum(), total.sum(axis=0))
        differences[place] = ((total - expected) ** 2).sum() + ((after - after.mean()) ** 2).sum()
    return int(differences.argmin())


def _columns(study: Study, runs: Sequence[Run]) -> np.ndarray:
    """What runs are (n_runs, n_columns): indicators of strategies, sources and levels, numbers from 0 to 1."""
    columns = [[run.strategy == name for run in runs] for name in study.strategies]
    columns += [[name in run.sources for run in runs] for name in study.sources]
    for name, levels in study.further_factors.items():
        if are_numbers(levels):
            values, every = scaled([run.factors[name] for run in runs], levels), scaled(levels, levels)
            columns.append(((values - every.min()) / np.ptp(every)).tolist())
        else:
            columns += [[run.factors[name] == level for run in runs] for level in levels]
    return np.array(columns, dtype=float).reshape(len(columns), len(runs)).T
