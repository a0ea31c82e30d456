"""`plan.parquet`: the planned runs in the order they are to be run, and the study file they belong to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from study.core.columns import NUISANCE, SOURCE, factor_column, source_column
from study.core.digests import read, sealed_parquet, table_of
from study.core.errors import Damaged, Fault, InputFaults, raise_all
from study.core.factors import Level
from study.core.file_checks import written_key
from study.core.nuisance import assigned
from study.core.overrides import setting
from study.core.run import Run, make_run
from study.core.study_file import Study
from study.core.writing import write_whole

IDENTITY = ("study", "run", "mel", "sources", "factors", "training", "strategies")
"""Sections that determine run ids (`study.core.run`)."""
NOT_IN_IDENTITY = ("name", "store", "table", "reader", "path", "checkpoint_minutes", "size")
"""Keys within those sections that do not enter run ids."""
PLAN_AGAIN = (
    "restore it from a copy, or plan again: `study design` with the same budget gives the same runs, and results count"
)
"""The remedy for a damaged plan."""


def level_type(levels: Sequence[object]) -> pa.DataType:
    """The Arrow type of a factor's column: boolean, text, or float64 for numbers."""
    if all(isinstance(level, bool) for level in levels):
        return pa.bool_()
    if all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels):
        return pa.float64()
    return pa.string()


def plan_schema(study: Study) -> pa.Schema:
    """Columns of `plan.parquet`, in order. Metadata: the study's name, its seed, and its file's tables as JSON."""
    return pa.schema(
        [
            ("run_id", pa.string()),
            ("position", pa.int32()),
            ("phase", pa.string()),
            ("replicate", pa.int32()),
            ("strategy", pa.string()),
            ("n_sources", pa.int32()),
            *((source_column(name), pa.bool_()) for name in study.sources),
            *((factor_column(name), level_type(levels)) for name, levels in study.further_factors.items()),
            *((f"{NUISANCE}{name}", level_type(levels)) for name, levels in study.nuisance_factors.items()),
            ("cost_gpu_hours", pa.float64()),
        ],
        metadata={"study": study.name, "seed": str(study.seed), "tables": json.dumps(study.tables, default=str)},
    )


def write_plan(path: Path, study: Study, runs: Iterable[Run], cost_gpu_hours: Callable[[Run], float | None]) -> None:
    """Write the plan whole. A cost that is still unknown (there is no data) is null; nuisance levels that the file has
    for a run stay."""
    runs = list(runs)
    nuisance = assigned(study, runs, assigned_before(path))
    rows = [
        {
            "run_id": run.run_id,
            "position": position,
            "phase": run.phase,
            "replicate": run.replicate,
            "strategy": run.strategy,
            "n_sources": run.n_sources,
            "cost_gpu_hours": cost_gpu_hours(run),
            **run_columns(study, run),
            **{f"{NUISANCE}{name}": level for name, level in nuisance[position].items()},
        }
        for position, run in enumerate(runs)
    ]
    table = pa.Table.from_pylist(rows, plan_schema(study))
    write_whole(path, sealed_parquet(table))


def assigned_before(path: Path) -> dict[str, dict[str, Level]]:
    """The nuisance levels of each run of a plan, by run id; none where there is no readable plan."""
    try:
        rows = _read(path).to_pylist()
    except (InputFaults, Damaged):
        return {}
    return {
        str(row.get("run_id")): {
            name.removeprefix(NUISANCE): level
            for name, level in row.items()
            if name.startswith(NUISANCE) and level is not None
        }
        for row in rows
    }


def run_columns(study: Study, run: Run) -> dict[str, object]:
    """`source.<name>` and `factor.<name>` of a run; for a baseline, factors without an effect on it are null."""
    present = {source_column(name): name in run.sources for name in study.sources}
    return present | {factor_column(name): run.factors.get(name) for name in study.further_factors}


def read_plan(path: Path, study: Study) -> list[Run]:
    """The planned runs, in order. Raises `InputFaults` if there is no plan, or if it belongs to another study.

    A source added to the study file later has no column, and no run of the plan learns from it.

    Each run_id is recomputed from the run's levels. If one differs, the plan was made for another study or before the
    study file changed, and the error names the settings that differ.
    """
    table = _read(path)
    expected = plan_schema(study)
    again = "; restore these settings, or make a new plan with `study design`"
    faults = [
        Fault(path.name, f"column {name}", None, f"missing: this plan belongs to another study{again}")
        for name in expected.names
        if name not in table.column_names and not name.startswith((SOURCE, NUISANCE))
    ]
    faults += [
        Fault(path.name, f"column {name}", None, f"not a factor or source of this study{again}")
        for name in table.column_names
        if name not in expected.names and not name.startswith(NUISANCE)
    ]
    raise_all(faults)
    runs = []
    for row in table.to_pylist():
        sources = tuple(name for name in study.sources if row.get(source_column(name)))
        levels = {name: _level(row[factor_column(name)], known) for name, known in study.further_factors.items()}
        try:
            run = make_run(study, row["phase"], row["replicate"], row["strategy"], sources, levels)
        except (TypeError, ValueError) as error:  # another program's columns
            raise InputFaults([Fault(path.name, f"position {row['position']}", None, f"not a run: {error}")]) from None
        if run.run_id != row["run_id"]:
            differing = ", ".join(_differing(_tables(table), study.tables)) or "other settings or another seed"
            expected_id = f"expected {run.run_id}: this plan was made with {differing}{again}"
            raise InputFaults([Fault(path.name, f"position {row['position']} run_id", row["run_id"], expected_id)])
        runs.append(run)
    return runs


def is_damaged(path: Path) -> bool:
    """Whether the file is there and is not a plan as it was written."""
    try:
        read(path, table_of, PLAN_AGAIN)
    except FileNotFoundError:
        return False
    except Damaged:
        return True
    return False


def planned_ids(path: Path) -> list[str]:
    """The run ids of a plan, of whichever version of the study file; none where there is no plan, or a damaged one.

    Raises InputFaults if it cannot be read at all.
    """
    try:
        table = read(path, table_of, PLAN_AGAIN)
    except (FileNotFoundError, Damaged):
        return []
    return table.column("run_id").to_pylist() if "run_id" in table.column_names else []


def refuse_other_overrides(path: Path, study: Study) -> None:
    """Raise `InputFaults` for each `--set` that differs from the plan's setting, and state that setting."""
    tables = tables_of_plan(path)
    raise_all(
        Fault(
            "",
            override.option,
            override.value,
            f"the plan was made with {_shown(override.path, setting(tables, override.path))}; leave this option out, "
            "or pass it to `study design` too",
        )
        for override in study.overrides
        if setting(tables, override.path) != override.value
    )


def tables_of_plan(path: Path) -> dict[str, Any]:
    """The tables of the study file that a plan was made from, overrides included; empty if the plan has none."""
    return _tables(_read(path))


def _read(path: Path) -> pa.Table:
    try:
        return read(path, table_of, PLAN_AGAIN)
    except FileNotFoundError:
        raise InputFaults([Fault(str(path), "", None, "no plan yet; `study design --budget N` makes one")]) from None
    except Damaged as damaged:
        raise InputFaults([Fault(str(path), "", None, f"damaged, {damaged.why}; {damaged.remedy}")]) from None


def _tables(plan: pa.Table) -> dict[str, Any]:
    try:
        tables = json.loads((plan.schema.metadata or {}).get(b"tables", b"{}"))
    except (ValueError, RecursionError):
        return {}
    return tables if isinstance(tables, dict) else {}


def _differing(planned: Any, now: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The settings in `IDENTITY` that differ in the plan: "[training] epochs = 2 (now 1)"."""
    if isinstance(planned, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*planned, *now]):
            if (path or key in IDENTITY) and key not in NOT_IN_IDENTITY:
                yield from _differing(planned.get(key), now.get(key), (*path, key))
    elif planned != now:
        yield f"{_shown(path, planned)} (now {_value(now)})"


def _shown(path: tuple[str, ...], value: Any) -> str:
    section, *keys = path
    return f"{written_key(section, tuple(keys))}{' ' if value is None else ' = '}{_value(value)}"


def _value(value: Any) -> str:
    return "left out" if value is None else json.dumps(value, default=str)


def _level(value: Level, levels: Sequence[Level]) -> Level:
    """The level as written in the study file (8 and 8.0 are the same in Parquet, but not in a run's identity)."""
    return next((level for level in levels if level == value), value)
