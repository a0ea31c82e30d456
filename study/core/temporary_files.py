"""Files and folders that killed writers left: their names say who wrote them (`study.core.writing`)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from study.core.processes import Process
from study.core.writing import remove, remove_folder

NAME = re.compile(r"\..*\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}\.tmp")
UNTOUCHED_S = 24 * 3600.0
"""After so long without a change, what another machine began to write counts as left behind."""


def sweep(folder: Path) -> list[Path]:
    """Delete what killed writers left in the folder and below it; what was deleted."""
    swept = [path for path in _temporaries(folder) if _is_left_behind(path)]
    for path in swept:
        (remove_folder if path.is_dir() else remove)(path)
    return swept


def _temporaries(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        found = [name for name in (*folders, *files) if name.startswith(".") and name.endswith(".tmp")]
        yield from (Path(parent, name) for name in found)
        folders[:] = [name for name in folders if name not in found]


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
