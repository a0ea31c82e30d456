"""Files and folders that killed writers left: their names say who wrote them (`study.core.writing`)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from study.core.paths import Paths
from study.core.processes import Process
from study.core.writing import remove, remove_folder

NAME = re.compile(r"\..*\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}\.tmp")
UNTOUCHED_S = 24 * 3600.0
"""After so long without a change, what another machine began to write counts as left behind."""


def sweep_store(paths: Paths) -> list[Path]:
    """Delete what killed writers left in the store; what was deleted. A user's own files and folders are left alone."""
    own = (paths.prepared, paths.runs, paths.results)
    shared = (paths.design, paths.power, paths.report, paths.few_tracks)
    swept = sweep(paths.store, is_deep=False, is_own=False)
    return [*swept, *(path for folder in (*own, *shared) for path in sweep(folder, is_own=folder in own))]


def sweep(folder: Path, is_deep: bool = True, is_own: bool = True) -> list[Path]:
    """Delete what killed writers left in the folder and, if `is_deep`, below it; what was deleted.

    Unless the folder `is_own`, where nobody else writes, only what bears the name of one of our writers.
    """
    found = [path for path in _temporaries(folder, is_deep) if is_own or NAME.fullmatch(path.name)]
    swept = [path for path in found if _is_left_behind(path)]
    for path in swept:
        (remove_folder if path.is_dir() else remove)(path)
    return swept


def _temporaries(folder: Path, is_deep: bool) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        found = [name for name in (*folders, *files) if name.startswith(".") and name.endswith(".tmp")]
        yield from (Path(parent, name) for name in found)
        folders[:] = [name for name in folders if name not in found] if is_deep else []


def _is_left_behind(path: Path) -> bool:
    """Its process is gone; of another machine's, whose processes cannot be seen, nothing has changed for a day."""
    named = NAME.fullmatch(path.name)
    if named is not None:
        writer = Process(named[1], int(named[2]), int(named[3]))
        if writer.is_here:
            return not writer.is_alive
    try:
        return time.time() - max(part.stat().st_mtime for part in (path, *path.rglob("*"))) > UNTOUCHED_S
    except FileNotFoundError:  # it has just been put in place
        return False
