"""Which results are valid, for commands that need no rows: a valid file is not read again while it is the same.

The index is a cache. If it is lost, damaged or another launch's, the answers are the same, and only take longer.
A file is the same while its size, inode and times are; damage that changes none of them is found by `study analyze`
and `study verify`, which read every file.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from study.core import results, valid_results
from study.core.errors import Fault
from study.core.paths import Paths
from study.core.results import StoredResult, listed_results
from study.core.valid_results import Expected, checked_results
from study.core.writing import write_whole

SETTLED_NS = 2 * 10**9
"""A file that changed more recently may change again without a later time, and is not indexed."""

DIGEST_BYTES = 32
SCHEMA = pa.schema(
    [("file", pa.string()), ("stamp", pa.string()), ("is_verified", pa.bool_()), ("version", pa.int64())]
)
CODE = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in (results, valid_results)))
"""Of the code that judges results: what other code found valid is judged again."""


@dataclass(frozen=True)
class Valid:
    """A valid result file. `probe_scores_version` is the oldest of its rows."""

    stored: StoredResult
    is_verified: bool
    probe_scores_version: int


@dataclass(frozen=True)
class Survey:
    """The result files of a store: valid, invalid (with what is wrong), and `others`, which nothing expects."""

    valid: tuple[Valid, ...]
    invalid: tuple[tuple[StoredResult, Fault], ...]
    others: tuple[StoredResult, ...]


@dataclass(frozen=True)
class _Entry:
    """What is known of a valid file; `stamp` is that of the file and of what was expected of it."""

    stamp: str
    is_verified: bool
    version: int


def survey_results(paths: Paths, expected: Mapping[Path, Expected]) -> Survey:
    """Judge every result file by `expected`, reading those that the index does not know, and keep what was learned.

    Raises InputFaults that name the files that cannot be read at all.
    """
    known, listed = _read(paths.results_index), list(listed_results(paths))
    stamps, others, valid = {}, [], []
    for stored, status in listed:
        rule = expected.get(stored.path)
        if rule is None:
            others.append(stored)
            continue
        stamp = _stamp(rule, status)
        entry = known.get(_name(stored))
        if entry is not None and entry.stamp == stamp and stat.S_ISREG(status.st_mode):
            valid.append(Valid(stored, entry.is_verified, entry.version))
        else:
            stamps[stored.path] = stamp
    fresh, invalid = [], []
    for checked in checked_results(paths, {path: expected[path] for path in stamps}) if stamps else ():
        if checked.fault is not None or checked.table is None:
            invalid.append((checked.stored, checked.fault or Fault("", "", None, "")))
        else:
            version = min(checked.table.column("probe_scores_version").to_pylist())
            fresh.append(Valid(checked.stored, checked.is_verified, version))
    learned = {
        _name(each.stored): _Entry(stamps[each.stored.path], each.is_verified, each.probe_scores_version)
        for each in fresh
    }
    _keep(paths, known, learned, listed)
    return Survey(tuple(sorted([*valid, *fresh], key=lambda each: each.stored.path)), tuple(invalid), tuple(others))


def _keep(
    paths: Paths,
    known: Mapping[str, _Entry],
    learned: Mapping[str, _Entry],
    listed: Iterable[tuple[StoredResult, os.stat_result]],
) -> None:
    """Write the index again if it changes: without the files that are gone, with those learned that have settled."""
    before = time.time_ns() - SETTLED_NS
    settled = {_name(stored): max(status.st_mtime_ns, status.st_ctime_ns) < before for stored, status in listed}
    kept = {name: entry for name, entry in known.items() if name in settled}
    kept |= {name: entry for name, entry in learned.items() if settled[name]}
    if kept != known:
        with suppress(OSError):  # a store that may only be read, or is full
            write_whole(paths.results_index, _written(kept))


def _stamp(rule: Expected, status: os.stat_result) -> str:
    of_file = f"{status.st_size}-{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}"
    return f"{rule.digest}-{of_file}"


def _name(stored: StoredResult) -> str:
    return f"{stored.run_id}/{stored.path.name}"


def _read(path: Path) -> dict[str, _Entry]:
    """The index; empty if there is none, if any bit of it has changed, or if other code made it."""
    try:
        whole = path.read_bytes()
    except OSError:
        return {}
    if whole[:DIGEST_BYTES] != _digest(whole[DIGEST_BYTES:]):
        return {}
    columns = pa.ipc.open_file(pa.BufferReader(whole[DIGEST_BYTES:])).read_all().to_pydict()
    rows = zip(*(columns[name] for name in SCHEMA.names), strict=True)
    return {file: _Entry(stamp, is_verified, version) for file, stamp, is_verified, version in rows}


def _written(entries: Mapping[str, _Entry]) -> bytes:
    rows = [(file, entry.stamp, entry.is_verified, entry.version) for file, entry in sorted(entries.items())]
    table = pa.table([list(column) for column in zip(*rows, strict=True)] or [[]] * len(SCHEMA), schema=SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return _digest(content) + content


def _digest(content: bytes) -> bytes:
    digest = CODE.copy()
    digest.update(content)
    return digest.digest()
