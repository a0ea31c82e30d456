"""SHA-256 of files, cached so that an unchanged corpus is read once.

A file counts as unchanged if its path, size, inode, both times and a sample of its bytes are those that the cache has:
another file under its name changes its inode or the time of its inode's change, even where it keeps size and time.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from study.core.digests import read, sealed_parquet, table_of
from study.core.errors import Damaged
from study.core.writing import write_whole

HASHES = "content_hashes.parquet"
"""The cache of a study's sound and tables, in the folder of its mel stores."""
SAMPLE_BYTES = 4096
"""Bytes of a sample at the beginning, in the middle and at the end of a file."""
COLUMNS = ("path", "size", "mtime_ns", "ctime_ns", "inode", "sample")

TEXT = ("path", "sample", "sha256")
SCHEMA = pa.schema([(name, pa.string() if name in TEXT else pa.int64()) for name in (*COLUMNS, "sha256")])

Key = tuple[str, int, int, int, int, str]
"""What `COLUMNS` names."""


def content_hashes(
    paths: Sequence[str | os.PathLike[str]], cache: Path, workers: int = 1, afresh: bool = False
) -> list[str | None]:
    """The SHA-256 in hexadecimal of each file, in the order of `paths`; None if a file cannot be read.

    `cache` is a Parquet file of `COLUMNS` and sha256. It is read if present, and replaced if anything was hashed;
    `afresh` hashes every file."""
    known = _read(cache)
    with ThreadPoolExecutor(workers) as pool:  # hashlib releases Python's lock
        keys = list(pool.map(_key, paths))
        missing = list(dict.fromkeys(key for key in keys if key is not None and (afresh or key not in known)))
        hashes = pool.map(content_hash, [key[0] for key in missing])
        fresh = {key: sha256 for key, sha256 in zip(missing, hashes, strict=True) if sha256}
    if fresh:
        known |= fresh
        with suppress(OSError):  # of a store that one may only read; it is a cache
            write_whole(cache, sealed_parquet(_table(known)))
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
        stamp = _stamp(path)
        return None if stamp is None else (str(Path(path).absolute()), *stamp, _sample(path, stamp[0]))
    except OSError:
        return None


def _stamp(path: str | os.PathLike[str]) -> tuple[int, int, int, int] | None:
    """Size, times and inode; None of a pipe, which to open would wait for its writer."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _sample(path: str | os.PathLike[str], size: int) -> str:
    with open(path, "rb", buffering=0) as file:
        parts = []
        for start in sorted({0, max(0, size // 2), max(0, size - SAMPLE_BYTES)}):
            file.seek(start)
            parts.append(file.read(SAMPLE_BYTES))
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _read(cache: Path) -> dict[Key, str]:
    try:
        table = read(cache, table_of, "it is made again")
        if table.schema.remove_metadata() != SCHEMA:
            return {}
        return {tuple(row[name] for name in COLUMNS): row["sha256"] for row in table.to_pylist()}
    except (FileNotFoundError, Damaged, UnicodeDecodeError):  # damaged, or one of before
        return {}


def _table(known: dict[Key, str]) -> pa.Table:
    latest = {key[0]: (*key, sha256) for key, sha256 in known.items()}
    rows = [latest[path] for path in sorted(latest)]
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(SCHEMA.names)}, schema=SCHEMA)
