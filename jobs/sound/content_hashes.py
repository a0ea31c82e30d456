"""SHA-256 of files, cached by path, size and modification time so that an unchanged corpus is read once."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.core.content import parquet_bytes
from study.core.writing import write_whole

HASHES = "content_hashes.parquet"
"""The cache of a study's sound and tables, in the folder of its mel stores."""

COLUMNS = ("path", "size", "mtime_ns", "sha256")

Key = tuple[str, int, int]


def content_hashes(paths: Sequence[str | os.PathLike[str]], cache: Path, workers: int = 1) -> list[str | None]:
    """The SHA-256 in hexadecimal of each file, in the order of `paths`; None if a file cannot be read.

    `cache` is a Parquet file of path, size, mtime_ns, sha256. It is read if present, and replaced if anything was
    hashed."""
    known = _read(cache)
    keys = [_key(path) for path in paths]
    missing = list(dict.fromkeys(key for key in keys if key is not None and key not in known))
    with ThreadPoolExecutor(workers) as pool:  # hashlib releases Python's lock
        hashes = pool.map(content_hash, [key[0] for key in missing])
        fresh = {key: sha256 for key, sha256 in zip(missing, hashes, strict=True) if sha256}
    if fresh:
        known |= fresh
        write_whole(cache, parquet_bytes(_table(known)))
    return [known.get(key) if key is not None else None for key in keys]


def content_hash(path: str | os.PathLike[str]) -> str | None:
    """The SHA-256 in hexadecimal of what a file holds now; None if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _key(path: str | os.PathLike[str]) -> Key | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
        return None
    return str(Path(path).absolute()), status.st_size, status.st_mtime_ns


def _read(cache: Path) -> dict[Key, str]:
    try:
        table = pq.read_table(cache)
        if [str(table.schema.field(name).type) for name in COLUMNS] != ["string", "int64", "int64", "string"]:
            return {}
        rows = table.to_pylist()
        return {(row["path"], row["size"], row["mtime_ns"]): row["sha256"] for row in rows}
    except Exception:  # a damaged file makes pyarrow raise anything; a cache that cannot be read is made again
        return {}


def _table(known: dict[Key, str]) -> pa.Table:
    latest = {path: (size, mtime_ns, sha256) for (path, size, mtime_ns), sha256 in known.items()}
    rows = [(path, *rest) for path, rest in sorted(latest.items())]
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)})
