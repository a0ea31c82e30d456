"""Warnings about sources, factors and levels of the study file that no planned run has."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from study.core.columns import factor_column, source_column
from study.core.errors import Caution, some
from study.core.paths import Paths
from study.core.study_file import Study


def plan_cautions(study: Study) -> Iterator[Caution]:
    """Sources, factors and levels without a run, and the command that adds such runs; nothing without a plan."""
    path = Paths(study.store).plan
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException):
        return
    factors = {"strategy": study.strategies, **study.further_factors}
    columns = {name: name if name == "strategy" else factor_column(name) for name in factors}
    lacking = [f"[factors] {name}" for name, column in columns.items() if column not in table.column_names]
    if lacking:  # that changes the id of every run
        message = f"{path.name} was made before {some(lacking)} was added; each run needs a level, so make a new plan"
        yield Caution("plan", message, "study design --budget N")
        return
    command = "study design --append"
    sequential = {phase.name for phase in study.phases if phase.criterion is not None}
    if sequential:
        n_planned = sum(phase in sequential for phase in table.column("phase").to_pylist())
        command += f" --budget N, N above {n_planned}"
    for name in study.sources:
        column = source_column(name)
        if column not in table.column_names or True not in table.column(column).to_pylist():
            yield Caution(f"[sources.{name}]", f"no run of {path.name} learns from it", command)
    ranges = [name for name, levels in study.further_factors.items() if levels.is_range]
    for name, column in columns.items():
        if name in ranges:
            continue
        planned = set(table.column(column).to_pylist())
        absent = some([str(level) for level in factors[name] if level not in planned])
        if absent:
            yield Caution(f"[factors] {name}", f"no run of {path.name} has {absent}", command)
