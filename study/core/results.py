"""The scores of the runs: one Parquet file per run x target, which exists if and only if that is done.

A file's name carries the fingerprint of the target's definition; its rows carry everything else that scores depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from study.core.errors import Fault
from study.core.paths import Paths, write_once
from study.core.plan import level_type
from study.core.study_file import Study

SCHEMA_VERSION = 1
TRAIN_SCORES_VERSION = 1
"""Incremented by hand when a change to training changes scores."""
PROBE_SCORES_VERSION = 1
"""Incremented by hand when a change to probing changes scores."""

KEY = ("run_id", "target", "target_fingerprint", "repeat", "fold", "metric")
"""The key of a row: no two rows share it together with their levels of evaluation factors."""


def result_schema(study: Study) -> pa.Schema:
    """Columns of a result file, in order. One row per target x repeat x fold x metric."""
    text, whole, real = pa.string(), pa.int64(), pa.float64()
    return pa.schema(
        [
            ("schema_version", pa.int32()), ("run_id", text), ("attempt", text), ("phase", text),
            ("replicate", pa.int32()), ("strategy", text), ("n_sources", pa.int32()),
            *((f"source.{name}", pa.bool_()) for name in study.sources),
            *((f"factor.{name}", level_type(levels)) for name, levels in study.further_factors.items()),
            *((f"factor.{name}", level_type(levels)) for name, levels in study.evaluation_factors.items()),
            ("target", text), ("repeat", pa.int32()), ("fold", pa.int32()), ("metric", text), ("score", real),
            ("outcome", text), ("train_seconds", real), ("train_steps", whole), ("eval_seconds", real),
            ("device", text), ("precision", text), ("n_parameters", whole), ("representation_dim", pa.int32()),
            ("seed", whole), ("threads", pa.int32()), ("data_fingerprint", text), ("target_fingerprint", text),
            ("train_scores_version", pa.int32()), ("probe_scores_version", pa.int32()), ("code_version", text),
            ("started_at", pa.timestamp("us", tz="UTC")), ("finished_at", pa.timestamp("us", tz="UTC")),
        ]
    )  # fmt: skip


def commit_result(path: Path, rows: Iterable[Mapping[str, object]], study: Study) -> bool:
    """Write the rows of one run x target, once: False if another attempt was first."""
    table = pa.Table.from_pylist([dict(row) for row in rows], result_schema(study))
    for name in result_schema(study).names:
        if table.column(name).null_count and not (name == "score" or name.startswith("factor.")):
            raise ValueError(f"{path.name}: column {name} has no value in some row")
    return write_once(path, lambda temporary: pq.write_table(table, temporary))


@dataclass(frozen=True)
class StoredResult:
    """A result file by its name. It is valid if it can be read and its rows belong to that run and target."""

    path: Path
    run_id: str
    target: str
    fingerprint: str


def stored_results(paths: Paths) -> Iterator[StoredResult]:
    """The result files that are there, by name, unread."""
    for path in sorted(paths.results.glob("*/*.parquet")):
        if not path.name.startswith("."):
            target, _, fingerprint = path.stem.rpartition("-")
            yield StoredResult(path, path.parent.name, target, fingerprint)


def read_results(
    paths: Paths, wanted: Callable[[StoredResult], bool] = lambda stored: True
) -> tuple[pd.DataFrame, list[Fault]]:
    """The valid rows of the wanted files, and a fault for each file that is truncated or does not match its name.

    An invalid file counts as absent: its run x target is not done.
    """
    read = [_read_valid(stored) for stored in stored_results(paths) if wanted(stored)]
    faults = [fault for fault in read if isinstance(fault, Fault)]
    tables = [table for table in read if isinstance(table, pa.Table)]
    if not tables:
        return pd.DataFrame(), faults
    return pa.concat_tables(tables, promote_options="permissive").to_pandas(), faults


def invalid_results(paths: Paths) -> dict[Path, Fault]:
    """The result files that are truncated or do not match their name, each with its fault."""
    read = {stored.path: _read_valid(stored) for stored in stored_results(paths)}
    return {path: fault for path, fault in read.items() if isinstance(fault, Fault)}


def _read_valid(stored: StoredResult) -> pa.Table | Fault:
    name = f"results/{stored.run_id}/{stored.path.name}"
    again = "`study launch` sets it aside and evaluates this target again"
    try:
        table = pq.read_table(stored.path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        return Fault(name, "", None, f"truncated or not Parquet ({reason}); {again}")
    named = {"run_id": stored.run_id, "target": stored.target, "target_fingerprint": stored.fingerprint}
    for column, value in named.items():
        if column not in table.column_names or set(table.column(column).to_pylist()) != {value}:
            return Fault(name, column, None, f"its rows do not match the file's name; {again}")
    return table
