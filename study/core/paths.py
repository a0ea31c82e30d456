"""The layout of a study's store, and how files are written: whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from study.core.temporary_files import temporary_beside

ROOM_BYTES = 2**20
"""A write that fails while there is less room than this has failed for want of room."""

FILE_NAME = "study.toml"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Paths:
    """The files of a study under its store."""

    store: Path

    @property
    def plan(self) -> Path:
        return self.store / "plan.parquet"

    @property
    def design(self) -> Path:
        return self.store / "design"

    @property
    def power(self) -> Path:
        return self.store / "power"

    @property
    def looks(self) -> Path:
        return self.store / "looks.jsonl"

    @property
    def faults(self) -> Path:
        """All faults of the input, if a command printed only some of them."""
        return self.store / "faults.csv"

    @property
    def step_speed(self) -> Path:
        return self.store / "step_speed.json"

    @property
    def prepared(self) -> Path:
        return self.store / "prepared"

    @property
    def runs(self) -> Path:
        return self.store / "runs"

    @property
    def results(self) -> Path:
        return self.store / "results"

    @property
    def report(self) -> Path:
        return self.store / "report"

    @property
    def few_tracks(self) -> Path:
        """Tables of a few tracks, if this is the store of a trial (`launch --quick`)."""
        return self.store / "tables"

    def run(self, run_id: str) -> Path:
        return self.runs / run_id

    def weights(self, run_id: str) -> Path:
        return self.run(run_id) / WEIGHTS

    def log(self, run_id: str) -> Path:
        return self.run(run_id) / "log.jsonl"

    def checkpoints(self, run_id: str) -> Path:
        return self.run(run_id) / "checkpoints"

    def trained(self, run_id: str) -> Path:
        return self.run(run_id) / "trained.json"

    def representations(self, run_id: str) -> Path:
        return self.run(run_id) / "representations"

    def fine_tuned(self, run_id: str, target: str, fingerprint: str) -> Path:
        """Predictions of a fine-tuned network until they are scored; deleted with the representations."""
        return self.representations(run_id) / f"{target}-{fingerprint}.parquet"

    def attempts(self, run_id: str) -> Path:
        return self.run(run_id) / "attempts"

    def target(self, run_id: str, target: str) -> Path:
        return self.run(run_id) / "targets" / target

    def result(self, run_id: str, target: str, fingerprint: str) -> Path:
        return self.results / run_id / f"{target}-{fingerprint}.parquet"


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file in the same folder, then move it to `path` atomically, replacing any file."""
    temporary = _filled(path, write)
    try:
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_beside_another_launch(path: Path, write: Callable[[Path], object]) -> None:
    """As `write_whole`, in a folder that another launch may delete meanwhile, as it does once it has finished a run.

    A lost file is written again, so `write` may be called twice. Raises FileNotFoundError if that is lost too.
    """
    try:
        write_whole(path, write)
    except FileNotFoundError:
        write_whole(path, write)


def write_once(path: Path, write: Callable[[Path], object]) -> bool:
    """As `write_whole`, but the first file stays: returns False and changes nothing if `path` already exists.

    A hard link is refused if the name is taken, on local disks and on NFS; a rename would overwrite silently.
    """
    temporary = _filled(path, write)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _filled(path: Path, write: Callable[[Path], object]) -> Path:
    """A temporary file beside `path`, filled. Raises OSError (ENOSPC) if the disk has no room for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    except BaseException as error:
        # Judged by effect, while what was written is there: the errors of writers from elsewhere have no number.
        is_full = isinstance(error, Exception) and not _has_room(path)
        temporary.unlink(missing_ok=True)
        if is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
    return temporary


def _has_room(path: Path) -> bool:
    """Whether `ROOM_BYTES` can be written beside `path`; a quota may say no where the disk has room."""
    probe = temporary_beside(path)
    try:
        with probe.open("wb") as file:
            file.write(bytes(ROOM_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in (errno.ENOSPC, errno.EDQUOT)
    finally:
        probe.unlink(missing_ok=True)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
