"""Files and folders that are being written: called after their writer, so that those of killed writers can be swept.

A name ends in `.<machine>-<process>-<start>-<random>.tmp`. The machine is a hash of host, boot and process namespace.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

NAME = re.compile(r"\..*\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}\.tmp")
UNTOUCHED_S = 24 * 3600.0
"""After so long without a change, what another machine began to write counts as left behind."""


def temporary_beside(path: Path) -> Path:
    """A name in the folder of `path` that nobody else uses."""
    writer = f"{_machine()}-{os.getpid()}-{_started(os.getpid())}"
    return path.with_name(f".{path.name}.{writer}-{uuid.uuid4().hex[:8]}.tmp")


def sweep(folder: Path) -> list[Path]:
    """Delete what killed writers left in the folder and below it; what was deleted."""
    swept = [path for path in _temporaries(folder) if _is_left_behind(path)]
    for path in swept:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)  # another launch sweeps, too
    return swept


def _temporaries(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        found = [name for name in (*folders, *files) if name.startswith(".") and name.endswith(".tmp")]
        yield from (Path(parent, name) for name in found)
        folders[:] = [name for name in folders if name not in found]


def _is_left_behind(path: Path) -> bool:
    """Its process is gone; of another machine's, whose processes cannot be seen, nothing has changed for a day."""
    writer = NAME.fullmatch(path.name)
    if writer is not None and writer[1] == _machine():
        return str(_started(int(writer[2]))) != writer[3]
    try:
        return time.time() - max(part.stat().st_mtime for part in (path, *path.rglob("*"))) > UNTOUCHED_S
    except FileNotFoundError:  # it has just been put in place
        return False


@cache
def _machine() -> str:
    """8 hexadecimal digits: processes on machines of the same one see each other."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [socket.gethostname()]
    if boot.is_file():
        parts += [boot.read_text(encoding="ascii"), str(namespace.readlink())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _started(pid: int) -> int | None:
    """When a process of this machine began, so that a number used again is another one; None if there is none.

    In clock ticks since the machine began; 0 on systems that do not say.
    """
    try:
        if not Path("/proc").is_dir():
            os.kill(pid, 0)
            return 0
        return int(
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        )
    except PermissionError:
        return 0
    except OSError:
        return None
