"""A disk that fails: stands in for `os` and `shutil` in `study.core.writing`, and knows what a loss of power leaves."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.core import writing

KINDS = ("killed before", "killed after", "EIO", "ESTALE", "ENOSPC", "power lost")
CALLS = ("open", "write", "fsync", "link", "replace", "rename", "unlink", "mkdir", "utime")
NEEDS_ROOM = ("open", "write", "link", "mkdir")
ROOT = Path(writing.__file__).parents[2]
PASSED_OVER = (writing.__file__, __file__, "contextlib.py")


class Killed(BaseException):
    """The process has ended here: nothing that it would still do is done."""


class FaultyDisk:
    """Counts the calls of `study.core.writing` to the system, each with the function that asked for it, and lets one
    of them fail: the number `at`, in the way `kind`."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, at: int = -1, kind: str = "") -> None:
        self.calls: list[tuple[str, str]] = []
        self._at, self._kind, self._is_dead, self._is_full = at, kind, False, False
        self._durable = Durable(root) if kind == "power lost" else None
        monkeypatch.setattr(writing, "os", _Instead(os, {name: self._call(name, getattr(os, name)) for name in CALLS}))
        monkeypatch.setattr(writing, "shutil", SimpleNamespace(rmtree=self._call("rmtree", shutil.rmtree)))

    def end(self) -> None:
        """The process is gone: after a loss of power, what was not synchronised is, too."""
        if self._durable is not None:
            self._durable.restore()

    def _call(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if self._is_dead:
                raise Killed
            self.calls.append((_asked_by(), name))
            if len(self.calls) - 1 == self._at:
                self._fail(name, real, args, options)
            if self._is_full and name in NEEDS_ROOM and not _only_reads(name, args):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            is_new = name == "mkdir" or (name == "open" and not os.path.lexists(args[0]))
            result = None if name == "fsync" else real(*args, **options)  # a real one only takes time
            if self._durable is not None:
                self._durable.note(name, args, result, is_new)
            return result

        return call

    def _fail(self, name: str, real: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> None:
        if name == "write":
            real(args[0], bytes(args[1])[: len(args[1]) // 2])
        elif self._kind == "killed after" and name != "fsync":
            real(*args, **options)
        if self._kind in ("EIO", "ESTALE"):
            number = getattr(errno, self._kind)
            raise OSError(number, os.strerror(number))
        if self._kind == "ENOSPC":
            self._is_full = True
        else:
            self._is_dead = True
            raise Killed


class _Instead:
    """A module with other functions in place of some."""

    def __init__(self, module: Any, functions: dict[str, Callable[..., Any]]) -> None:
        self._module = module
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class Durable:
    """What of the files and folders below a root has been synchronised: contents, and names in folders."""

    def __init__(self, root: Path) -> None:
        self._root, self._numbers = root, count()
        self._number_of: dict[int, int] = {}
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        for path in [*root.rglob("*"), root]:
            self._new(path.lstat())
        for path in [*root.rglob("*"), root]:
            self._synchronise(path)
        self._of_root = self._number_of[root.stat().st_ino]

    def note(self, name: str, args: tuple[Any, ...], result: Any, is_new: bool) -> None:
        if name in ("open", "mkdir") and is_new:
            self._new(os.stat(args[0]))
        elif name == "fsync":
            self._synchronise(Path(os.readlink(f"/proc/self/fd/{args[0]}")))

    def restore(self) -> None:
        shutil.rmtree(self._root)
        self._restore(self._root, self._of_root)

    def _new(self, status: os.stat_result) -> None:
        """An inode's number may be that of one that was deleted; ours never is."""
        number = self._number_of[status.st_ino] = next(self._numbers)
        if stat.S_ISDIR(status.st_mode):
            self._names[number] = {}
        else:
            self._content[number] = b""

    def _synchronise(self, path: Path) -> None:
        number = self._number_of[path.stat().st_ino]
        if path.is_dir():
            self._names[number] = {entry.name: self._number_of[entry.inode()] for entry in os.scandir(path)}
        else:
            self._content[number] = path.read_bytes()

    def _restore(self, path: Path, number: int) -> None:
        if number in self._content:
            path.write_bytes(self._content[number])
            return
        path.mkdir()
        for name, of in self._names[number].items():
            self._restore(path / name, of)


def _only_reads(name: str, args: tuple[Any, ...]) -> bool:
    return name == "open" and not args[1] & os.O_CREAT


def _asked_by() -> str:
    """The function outside of `study.core.writing` that asked for a call: "jobs/records.py write_attempt"."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.endswith(PASSED_OVER):
        assert frame.f_back is not None
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).relative_to(ROOT)} {frame.f_code.co_name}"
