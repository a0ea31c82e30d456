"""The scores of the runs: one Parquet file per run x target, which exists if and only if that is done.

A file's name carries the fingerprint of the target's definition; its rows carry everything else that scores depend on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from study.core.columns import FACTOR, factor_column, source_column
from study.core.content import parquet_bytes
from study.core.paths import Paths
from study.core.plan import level_type
from study.core.study_file import Study
from study.core.writing import write_once

SCHEMA_VERSION = 1
TRAIN_SCORES_VERSION = 3
"""Incremented by hand when a change to training changes scores.

2: dropout on fc-feature for `self` too (Kim et al. 2019, Table 3)
3: all of a track is heard, its last slice padded
"""
PROBE_SCORES_VERSION = 2
"""Incremented by hand when a change to probing changes scores.

2: a fine-tuned network predicts from all of a track, its last slice padded
"""

OUTCOMES = ("ok", "diverged", "non-finite representation", "probe diverged", "undefined metric", "no network")
"""What a row says of its score: `ok`, or why there is none."""
DIGEST = b"rows_sha256"
"""The key of a result file's metadata that holds `rows_digest`; files of before have none."""

KEY = ("run_id", "target", "target_fingerprint", "repeat", "fold", "metric")
"""The key of a row: no two rows share it together with their levels of evaluation factors."""


@dataclass(frozen=True)
class Score:
    """One metric on one split. `score` is NaN unless `outcome` is "ok"; any other outcome is the reason."""

    repeat: int
    fold: int
    metric: str
    score: float
    outcome: str


def result_schema(study: Study) -> pa.Schema:
    """Columns of a result file, in order. One row per target x repeat x fold x metric."""
    text, whole, real = pa.string(), pa.int64(), pa.float64()
    return pa.schema(
        [
            ("schema_version", pa.int32()),
            ("run_id", text),
            ("attempt", text),
            ("phase", text),
            ("replicate", pa.int32()),
            ("strategy", text),
            ("n_sources", pa.int32()),
            *((source_column(name), pa.bool_()) for name in study.sources),
            *((factor_column(name), level_type(levels)) for name, levels in study.further_factors.items()),
            *((factor_column(name), level_type(levels)) for name, levels in study.evaluation_factors.items()),
            ("target", text),
            ("repeat", pa.int32()),
            ("fold", pa.int32()),
            ("metric", text),
            ("score", real),
            ("outcome", text),
            ("train_seconds", real),
            ("train_steps", whole),
            ("eval_seconds", real),
            ("device", text),
            ("precision", text),
            ("n_parameters", whole),
            ("representation_dim", pa.int32()),
            ("seed", whole),
            ("threads", pa.int32()),
            ("data_fingerprint", text),
            ("target_fingerprint", text),
            ("train_scores_version", pa.int32()),
            ("probe_scores_version", pa.int32()),
            ("code_version", text),
            ("started_at", pa.timestamp("us", tz="UTC")),
            ("finished_at", pa.timestamp("us", tz="UTC")),
        ]
    )


def commit_result(path: Path, rows: Iterable[Mapping[str, object]], study: Study) -> bool:
    """Write the rows of one run x target, once: False if another attempt was first."""
    table = pa.Table.from_pylist([dict(row) for row in rows], result_schema(study))
    for name in result_schema(study).names:
        if table.column(name).null_count and not (name == "score" or name.startswith(FACTOR)):
            raise ValueError(f"{path.name}: column {name} has no value in some row")
    table = table.replace_schema_metadata({DIGEST: rows_digest(table)})
    return write_once(path, parquet_bytes(table))


@dataclass(frozen=True)
class StoredResult:
    """A result file by its name. `study.core.valid_results` decides whether it is valid."""

    path: Path
    run_id: str
    target: str
    fingerprint: str


def stored_results(paths: Paths) -> Iterator[StoredResult]:
    """The result files that are there, by name, unread."""
    return (stored for stored, _ in listed_results(paths))


def listed_results(paths: Paths) -> Iterator[tuple[StoredResult, os.stat_result]]:
    """The result files that are there, with what the file system says of each (of a link itself)."""
    for run in _entries(paths.results):
        for entry in _entries(run.path) if run.is_dir() else ():
            if entry.name.endswith(".parquet") and not entry.name.startswith("."):
                target, _, fingerprint = entry.name.removesuffix(".parquet").rpartition("-")
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # another launch has just set it aside
                    continue
                yield StoredResult(Path(entry.path), run.name, target, fingerprint), status


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def rows_digest(table: pa.Table) -> str:
    """SHA-256, in hexadecimal, of the rows: of the JSON of each column's name, type and values.

    It detects damage. It is no signature: whoever changes the rows can compute another.
    """
    columns = [
        (name, str(table.schema.field(name).type), table.column(name).to_pylist()) for name in table.schema.names
    ]
    return hashlib.sha256(json.dumps(columns, default=str).encode()).hexdigest()
