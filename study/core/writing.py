"""All that is written: whole or not at all, and synchronised to disk before it counts.

No other file of the program creates, writes, renames or deletes files. Every call to the system that does stands here,
in the terms of `os`, so that tests can make each of them fail, or end the process there.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from study.core.processes import this_process

ROOM_BYTES = 2**20
"""A write that fails while there is less room than this has failed for want of room."""

BUFFER_BYTES = 2**20


def write_whole(path: Path, content: bytes) -> None:
    """Fill a temporary file in the same folder, then move it to `path` atomically, replacing any file."""
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """As `write_whole`, of what the block writes to the file that it is given; nothing if the block raises."""
    with _temporary(path) as temporary:
        with _filling(path, temporary) as file:
            yield file
        os.replace(temporary, path)
    _sync_folder(path.parent)


def write_once(path: Path, content: bytes) -> bool:
    """As `write_whole`, but the first file stays: returns False and changes nothing if `path` already exists.

    A hard link is refused if the name is taken, on local disks and on NFS; a rename would overwrite silently.
    """
    with _temporary(path) as temporary:
        with _filling(path, temporary) as file:
            file.write(content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
    _sync_folder(path.parent)
    return True


def has_hard_links(folder: Path) -> bool:
    """Whether `write_once` works in a folder: its file system has hard links and refuses a second of the same name."""
    probe = temporary_beside(folder / "links")
    try:
        return write_once(probe, b"") and not write_once(probe, b"")
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        return False
    finally:
        remove(probe)


def write_beside_another_launch(path: Path, content: bytes) -> None:
    """As `write_whole`, in a folder that another launch may delete meanwhile, as it does once it has finished a run.

    A lost file is written again. Raises FileNotFoundError if that is lost too.
    """
    try:
        write_whole(path, content)
    except FileNotFoundError:
        write_whole(path, content)


@contextmanager
def folder_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder for the block to fill, with the functions of this file; then put in place of `folder`."""
    make_folder(folder.parent)
    temporary, old = temporary_beside(folder), temporary_beside(folder)
    try:
        make_folder(temporary)
        yield temporary
        _sync_folder(temporary)
        with suppress(FileNotFoundError):
            os.rename(folder, old)
        os.rename(temporary, folder)
        _sync_folder(folder.parent)
    finally:
        remove_folder(temporary)
        remove_folder(old)


def append_line(path: Path, line: str) -> None:
    """Add a line to a log. A kill may cut it short, and it is not synchronised: a log proves nothing."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def touch(path: Path) -> None:
    """Set the time of a file's last change to now."""
    os.utime(path)


def move(path: Path, to: Path) -> None:
    """Rename a file within its folder, replacing any file."""
    os.replace(path, to)
    _sync_folder(to.parent)


def remove(path: Path) -> None:
    """Delete a file, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def remove_folder(folder: Path) -> None:
    """Delete a folder with all in it, as far as that is possible."""
    shutil.rmtree(folder, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where missing, so that a loss of power leaves them in place."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        os.mkdir(folder, 0o777)
    except FileExistsError:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    _sync_folder(folder.parent)


def temporary_beside(path: Path) -> Path:
    """A name in the folder of `path` that nobody else uses; it says who writes, so that it can be swept if killed."""
    writer = this_process()
    by = f"{writer.machine}-{writer.pid}-{writer.started}"
    return path.with_name(f".{path.name}.{by}-{uuid.uuid4().hex[:8]}.tmp")


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    make_folder(path.parent)
    temporary = temporary_beside(path)
    try:
        yield temporary
    finally:
        remove(temporary)


@contextmanager
def _filling(path: Path, temporary: Path) -> Iterator[BinaryIO]:
    """The temporary file, open, then synchronised. Raises OSError (ENOSPC) if the disk has no room for it."""
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    raw = _Descriptor(descriptor)
    try:
        file = io.BufferedWriter(raw, BUFFER_BYTES)
        yield cast(BinaryIO, file)
        file.flush()
        os.fsync(descriptor)
    except Exception as error:
        # Judged by effect, while what was written is there: the errors of writers from elsewhere have no number.
        if _has_room(path):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
    finally:
        raw.is_done = True
        os.close(descriptor)


class _Descriptor(io.RawIOBase):
    """What Python's buffers write to: a descriptor, by `os.write`. Whoever opened it closes it, and says that it is
    done: what is still in a buffer then goes nowhere, rather than to whatever has the descriptor next."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_done = False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def write(self, data: Any) -> int:
        return len(data) if self.is_done else os.write(self._descriptor, data)


def _has_room(path: Path) -> bool:
    """Whether `ROOM_BYTES` can be written beside `path`; a quota may say no where the disk has room."""
    probe = temporary_beside(path)
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            left = ROOM_BYTES
            while left:
                left -= os.write(descriptor, bytes(left))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        return error.errno not in (errno.ENOSPC, errno.EDQUOT)
    finally:
        remove(probe)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
