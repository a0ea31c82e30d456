"""Which result files are valid: one definition for all who read results.

A valid file can be read, has the rows that its digest was made of, and holds exactly the rows that its target asks for
of its run. Any other is as good as absent: its run x target is not done.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from study.core.columns import FACTOR, SOURCE, factor_column
from study.core.digests import unreadable_fault
from study.core.errors import Fault, raise_all
from study.core.evaluations import evaluations
from study.core.paths import Paths
from study.core.plan import run_columns
from study.core.results import (
    DIGEST,
    OUTCOMES,
    PROBE_SCORES_VERSION,
    SCHEMA_VERSION,
    TRAIN_SCORES_VERSION,
    StoredResult,
    result_schema,
    rows_digest,
    stored_results,
)
from study.core.run import Run
from study.core.study_file import Study

SET_ASIDE = "`study launch` sets it aside and evaluates this target again"
"""The remedy for an invalid file."""
VERSIONS = {"train_scores_version": TRAIN_SCORES_VERSION, "probe_scores_version": PROBE_SCORES_VERSION}
ROUNDING = 1e-9
RANGES = {
    "accuracy": (0.0, 1.0),
    "balanced_accuracy": (0.0, 1.0),
    "f1_macro": (0.0, 1.0),
    "ndcg": (0.0, 1.0),
    "roc_auc": (0.0, 1.0),
    "average_precision": (0.0, 1.0),
    "r2": (-math.inf, 1.0),
    "pearson": (-1.0, 1.0),
}
"""Least and largest score of a metric, by its name before any `@`."""


Rows = Counter[tuple[int, int, str, tuple[str, ...]]]
"""Repeat, fold, metric and the levels of the study's evaluation factors, each once."""


@dataclass(frozen=True)
class Expected:
    """What the result file of a run on a target must hold: the columns, the run's levels, and which rows.

    `rows` are several possible sets of them where the splits depend on the target's table; none where a function says
    how often it scores, which then is for all `metrics` alike.
    """

    run: Run
    schema: pa.Schema
    levels: Mapping[str, object]
    rows: tuple[Rows, ...]
    metrics: tuple[str, ...]
    evaluation: tuple[str, ...]
    """The columns of the evaluation factors."""
    digest: str
    """Of all the above, so that a file is judged again once anything else is expected of it."""


@dataclass(frozen=True)
class Checked:
    """A result file that was read: its rows, or the fault that makes it invalid.

    `is_verified` is false for a valid file without a digest, from an earlier version.
    """

    stored: StoredResult
    table: pa.Table | None
    fault: Fault | None
    is_verified: bool


class _Wrong(Exception):
    """Why a file is invalid: the column and what is wrong with it."""


def expected_results(study: Study, runs: Iterable[Run], fingerprints: Mapping[str, str]) -> dict[Path, Expected]:
    """The result files of the runs on the study's targets, by path; `fingerprints` has those of prepared targets."""
    paths, schema, expected = Paths(study.store), result_schema(study), {}
    columns, rows_of = _sha256(schema), cache(partial(_expected_rows, study))
    evaluation = tuple(map(factor_column, study.evaluation_factors))
    for run in runs:
        levels = {"replicate": run.replicate, "strategy": run.strategy, "n_sources": run.n_sources, "seed": study.seed}
        levels |= run_columns(study, run)
        of_run = _sha256(columns, run.is_baseline, sorted(levels.items()))
        for name in study.targets:
            if name in fingerprints:
                each = evaluations(study, run, name)
                rows, of_rows = rows_of(name, tuple(setting.levels(study.evaluation_factors) for setting in each))
                path = paths.result(run.run_id, name, fingerprints[name])
                metrics = study.targets[name].metric_names
                expected[path] = Expected(run, schema, levels, rows, metrics, evaluation, f"{of_run}{of_rows}")
    return expected


def _expected_rows(study: Study, name: str, levels: tuple[tuple[str, ...], ...]) -> tuple[tuple[Rows, ...], str]:
    """The rows of a target, as many ways as its splits may be, and their digest."""
    target = study.targets[name]
    each = list(product(target.metric_names, levels))
    rows = tuple(Counter((*split, *rest) for split in splits for rest in each) for splits in target.possible_splits)
    return rows, _sha256(each, *(sorted(of.items(), key=str) for of in rows))


def _sha256(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def checked_results(paths: Paths, expected: Mapping[Path, Expected] | None = None) -> Iterator[Checked]:
    """The files that are expected and there, read and checked; without `expected`, all by their name and digest only.

    Raises InputFaults that name the files that cannot be read at all, which says nothing of what they hold.
    """
    unreadable = []
    for stored in stored_results(paths):
        if expected is not None and stored.path not in expected:
            continue
        try:
            content = stored.path.read_bytes()
        except FileNotFoundError:  # another launch has just set it aside
            continue
        except OSError as error:
            unreadable.append(replace(unreadable_fault(stored.path, error), file=_name(stored)))
            continue
        yield check_content(stored, content, None if expected is None else expected[stored.path])
    raise_all(unreadable)


def read_results(paths: Paths, expected: Mapping[Path, Expected] | None = None) -> tuple[pd.DataFrame, list[Fault]]:
    """The rows of the valid files of `checked_results`, and a fault for each that is not valid."""
    checked = list(checked_results(paths, expected))
    faults = [one.fault for one in checked if one.fault is not None]
    tables = [one.table for one in checked if one.table is not None]
    if not tables:
        return pd.DataFrame(), faults
    return pa.concat_tables(tables, promote_options="permissive").to_pandas(), faults


def check_content(stored: StoredResult, content: bytes, expected: Expected | None) -> Checked:
    """The content of a result file, whatever it is, judged; `expected` None: by its name and digest only."""
    try:
        table = pq.read_table(pa.BufferReader(content))
        digest = (table.schema.metadata or {}).get(DIGEST)
        table = table.replace_schema_metadata(None)
        if digest is not None and digest != rows_digest(table).encode():
            raise _Wrong("", "the rows are not those that were written")
        _check_name(table, stored)
        if expected is not None:
            _check_columns(table, expected)
            _check_levels(table, expected)
            _check_rows(table, expected)
            _check_scores(table, RANGES if expected.rows else {})
            if digest is None:  # damaged text or times, which no check above has looked at, make conversions raise
                empty = expected.schema.empty_table()
                pa.concat_tables([table, empty], promote_options="permissive").to_pandas()
        return Checked(stored, table, None, digest is not None)
    except _Wrong as wrong:
        column, why = wrong.args
    except Exception as error:  # a damaged file makes pyarrow raise anything
        column, why = (
            "",
            f"truncated or not Parquet ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
        )
    return Checked(stored, None, Fault(_name(stored), column, None, f"{why}; {SET_ASIDE}"), False)


def _check_name(table: pa.Table, stored: StoredResult) -> None:
    named = {"run_id": stored.run_id, "target": stored.target, "target_fingerprint": stored.fingerprint}
    for column, value in named.items():
        if column not in table.column_names or _values(table, column) != {value}:
            raise _Wrong(column, "rows are not of this file's name")


def _check_columns(table: pa.Table, expected: Expected) -> None:
    """Those of a result, each with a value in every row.

    A source that came into the study file later has no column, nor has a factor in baselines of earlier versions; a
    source that was removed from it has a column of False.
    """
    for field in expected.schema:
        is_factor, is_score = field.name.startswith(FACTOR), field.name == "score"
        if field.name not in table.column_names:
            if not (expected.levels.get(field.name) is False or (is_factor and expected.run.is_baseline)):
                raise _Wrong(field.name, "no such column")
        elif not is_factor and table.schema.field(field.name).type != field.type:
            raise _Wrong(field.name, f"expected {field.type}, not {table.schema.field(field.name).type}")
        elif not is_factor and not is_score and table.column(field.name).null_count:
            raise _Wrong(field.name, "has no value in some row")
    for name in set(table.column_names) - set(expected.schema.names):
        of_before = name.startswith(SOURCE) and _values(table, name) == {False}
        if not (of_before or (name.startswith(FACTOR) and expected.run.is_baseline)):
            raise _Wrong(name, "not a column of this study's results")


def _check_levels(table: pa.Table, expected: Expected) -> None:
    for name, level in expected.levels.items():
        found = _values(table, name) if name in table.column_names else {level}
        if found != {level} and not (expected.run.is_baseline and found == {None}):
            raise _Wrong(name, f"expected {level!r}, the level of this run, in every row")


def _check_rows(table: pa.Table, expected: Expected) -> None:
    levels = [table.column(name).to_pylist() for name in expected.evaluation]
    columns = (table.column(name).to_pylist() for name in ("repeat", "fold", "metric"))
    found = Counter(zip(*columns, zip(*levels, strict=True) if levels else [()] * len(table), strict=True))
    if not expected.rows:
        splits = {row[:2] for row in found}
        if found != Counter((*split, metric, ()) for split in splits for metric in expected.metrics):
            raise _Wrong("", f"expected {', '.join(expected.metrics)} once for each repeat and fold")
        return
    rows = next((rows for rows in expected.rows if rows == found), expected.rows[0])
    if missing := sum((rows - found).values()):
        raise _Wrong("", f"{missing} of the {rows.total()} rows that this target asks for are missing")
    if more := sum((found - rows).values()):
        raise _Wrong("", f"{more} rows more than this target asks for")


def _check_scores(table: pa.Table, ranges: Mapping[str, tuple[float, float]]) -> None:
    if _values(table, "schema_version") != {SCHEMA_VERSION}:
        raise _Wrong("schema_version", f"expected {SCHEMA_VERSION}")
    for name, newest in VERSIONS.items():
        if not _values(table, name) <= set(range(newest + 1)):
            raise _Wrong(name, f"expected a version up to {newest}")
    for metric, score, outcome in zip(
        *(table.column(n).to_pylist() for n in ("metric", "score", "outcome")), strict=True
    ):
        if outcome not in OUTCOMES:
            raise _Wrong("outcome", f"{outcome!r} is none of {', '.join(OUTCOMES)}")
        least, largest = ranges.get(metric.partition("@")[0], (-math.inf, math.inf))
        if (outcome == "ok") != (score is not None and math.isfinite(score)):
            raise _Wrong("score", "expected a finite number if and only if the outcome is ok")
        if score is not None and not least - ROUNDING <= score <= largest + ROUNDING:
            raise _Wrong("score", f"{metric} is from {least:g} to {largest:g}, not {score:g}")


def _values(table: pa.Table, column: str) -> set[object]:
    return set(table.column(column).to_pylist())


def _name(stored: StoredResult) -> str:
    return f"results/{stored.run_id}/{stored.path.name}"
