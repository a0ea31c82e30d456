"""`plan.parquet`: the planned runs in the order in which they are to be run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.core.errors import Fault, InputFaults, raise_all
from study.core.factors import Level
from study.core.paths import write_whole
from study.core.run import Run, make_run
from study.core.study_file import Study


def level_type(levels: Sequence[object]) -> pa.DataType:
    """The Arrow type of a factor's column: boolean, text, or float64 for numbers."""
    if all(isinstance(level, bool) for level in levels):
        return pa.bool_()
    if all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels):
        return pa.float64()
    return pa.string()


def plan_schema(study: Study) -> pa.Schema:
    """Columns of `plan.parquet`, in order; the study's name and seed stand in the metadata."""
    return pa.schema(
        [
            ("run_id", pa.string()), ("position", pa.int32()), ("phase", pa.string()), ("replicate", pa.int32()),
            ("strategy", pa.string()), ("n_sources", pa.int32()),
            *((f"source.{name}", pa.bool_()) for name in study.sources),
            *((f"factor.{name}", level_type(levels)) for name, levels in study.further_factors.items()),
            ("cost_gpu_hours", pa.float64()),
        ],
        metadata={"study": study.name, "seed": str(study.seed)},
    )  # fmt: skip


def write_plan(path: Path, study: Study, runs: Iterable[Run], cost_gpu_hours: Callable[[Run], float | None]) -> None:
    """Write the plan whole. A cost that is not known yet (there is no data) is null."""
    rows = [
        {
            "run_id": run.run_id, "position": position, "phase": run.phase, "replicate": run.replicate,
            "strategy": run.strategy, "n_sources": run.n_sources, "cost_gpu_hours": cost_gpu_hours(run),
            **run_columns(study, run),
        }
        for position, run in enumerate(runs)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, plan_schema(study))
    write_whole(path, lambda temporary: pq.write_table(table, temporary))


def run_columns(study: Study, run: Run) -> dict[str, object]:
    """`source.<name>` and `factor.<name>` of a run; null for the factors of a baseline."""
    present = {f"source.{name}": name in run.sources for name in study.sources}
    return present | {f"factor.{name}": run.factors.get(name) for name in study.further_factors}


def read_plan(path: Path, study: Study, absent: Sequence[str] = ()) -> list[Run]:
    """The planned runs, in order. Raises `InputFaults` if there is no plan, or if it is another study's.

    Each run's identity is worked out anew from its levels: a plan made before the study file changed, or of another
    study, is recognised by its first run that is called otherwise. Sources that are `absent` may have no column: the
    plan was made before the study had them.
    """
    table = _read_table(path)
    expected = plan_schema(study)
    again = "; `study design` makes the plan of this study file"
    without = [f"source.{name}" for name in absent]
    faults = [
        Fault(path.name, f"column {name}", None, f"missing: this is the plan of another study{_absent(name, again)}")
        for name in expected.names if name not in table.column_names and name not in without
    ]  # fmt: skip
    faults += [
        Fault(path.name, f"column {name}", None, f"not a factor or source of this study{again}")
        for name in table.column_names if name not in expected.names
    ]  # fmt: skip
    raise_all(faults)
    runs = []
    for row in table.to_pylist():
        sources = tuple(name for name in study.sources if row.get(f"source.{name}"))
        levels = {name: _level(row[f"factor.{name}"], of) for name, of in study.further_factors.items()}
        run = make_run(study, row["phase"], row["replicate"], row["strategy"], sources, levels)
        if run.run_id != row["run_id"]:
            expected_id = f"expected {run.run_id}: this plan was made with other settings or another seed{again}"
            raise InputFaults([Fault(path.name, f"position {row['position']} run_id", row["run_id"], expected_id)])
        runs.append(run)
    return runs


def planned_ids(path: Path) -> list[str]:
    """The run ids of a plan, of whichever version of the study file; none where there is no readable plan."""
    try:
        table = _read_table(path)
    except InputFaults:
        return []
    return table.column("run_id").to_pylist() if "run_id" in table.column_names else []


def _read_table(path: Path) -> pa.Table:
    if not path.is_file():
        raise InputFaults([Fault(str(path), "", None, "no plan yet; `study design --budget N` makes one")])
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputFaults([Fault(str(path), "", None, f"not a readable plan: {error}")]) from None


def _absent(column: str, again: str) -> str:
    """What to do about a column that the plan lacks."""
    source = column.removeprefix("source.")
    added = f", or it was made before source {source} was added (`study design --append --absent {source}`)"
    return f"{added}{again}" if source != column else again


def _level(value: Level, levels: Sequence[Level]) -> Level:
    """The level as the study file writes it (Parquet keeps 8 and 8.0 alike; a run's identity does not)."""
    return next((level for level in levels if level == value), value)
