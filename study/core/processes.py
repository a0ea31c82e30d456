"""Which process wrote something, and whether it is still there: by machine, number and start, so that a number that is
used again is another process's."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """`machine`: 8 hexadecimal digits of host, boot and process namespace, within which processes see each other.

    `started`: clock ticks from boot to the process's start; 0 on systems that do not say.
    """

    machine: str
    pid: int
    started: int

    @property
    def is_here(self) -> bool:
        """Whether this machine sees it while it lives."""
        return self.machine == machine()

    @property
    def is_alive(self) -> bool:
        """Of a process of this machine: whether it is still there."""
        return started(self.pid) == self.started


def descendants(pid: int) -> Iterator[tuple[str, Process]]:
    """The processes that this one has started, and those that they have, each with the name of its program.

    As far as the system says: none but on Linux.
    """
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _text(listed).split()):
            yield _text(Path(f"/proc/{child}/comm")).strip(), Process(machine(), child, started(child) or 0)
            yield from descendants(child)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended meanwhile
        return ""


def this_process() -> Process:
    return Process(machine(), os.getpid(), started(os.getpid()) or 0)


@cache
def machine() -> str:
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [socket.gethostname()]
    if boot.is_file():
        parts += [boot.read_text(encoding="ascii"), str(namespace.readlink())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def started(pid: int) -> int | None:
    """When a process of this machine began, in clock ticks since boot; None if there is none, 0 if it is not known."""
    try:
        if not Path("/proc").is_dir():
            os.kill(pid, 0)
            return 0
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = stat.rpartition(")")[2].split()
        return None if state in "ZX" else int(fields[18])  # a zombie has ended
    except PermissionError:
        return 0
    except (OSError, OverflowError):
        return None
