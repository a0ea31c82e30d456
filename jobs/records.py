"""What a run leaves beside its weights: `trained.json` once it has learned, and a line for each attempt at a step."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from jobs.failures import DISK_FULL, Failure, is_tried_again
from study.core.digests import facts_of, read, sealed_json
from study.core.errors import Damaged
from study.core.paths import Paths
from study.core.processes import Process, this_process
from study.core.writing import move, write_once, write_whole

TRAIN_AGAIN = "a launch that needs it sets it aside and trains the run again"
"""The remedy for damaged weights, and for a damaged record of them."""
HEARD_S = 300.0
"""An open attempt of another machine, whose processes cannot be seen, counts as running for so long after its process
has last touched its record."""
NUMBERED = re.compile(r"(\d{5,})-")
"""How the ids of attempts begin; those of earlier releases begin with their time."""


@dataclass(frozen=True)
class Trained:
    """What the results of a run say of its training. It is there if and only if the run has learned.

    `outcome` is "ok", or "diverged": then there are no weights, and that is a result.
    """

    outcome: str
    attempt: str
    train_seconds: float
    train_steps: int
    device: str
    precision: str
    n_parameters: int
    representation_dim: int
    threads: int
    data_fingerprint: str
    train_scores_version: int
    started_at: str
    made_from: Mapping[str, str] = field(default_factory=dict)
    """The parts of `data_fingerprint` (`Prepared.made_from`); empty where they were not recorded yet."""
    learner: str = "base"
    """Its name in the study file; of a baseline, its strategy."""
    gives: Literal["network", "crops", "files"] = "network"
    """What the learner gives (`jobs.learning.learners`); only a network has weights."""


def write_trained(paths: Paths, run_id: str, trained: Trained) -> Trained:
    """Say that the run has learned. The first attempt to say so is the one that counts, and that is returned."""
    if write_once(paths.trained(run_id), sealed_json(asdict(trained))):
        return trained
    first = read_trained(paths, run_id)
    assert first is not None  # it was there a moment ago
    return first


def read_trained(paths: Paths, run_id: str) -> Trained | None:
    """None if the run has not learned yet. Raises Damaged, and InputFaults if the record cannot be read at all."""
    try:
        return read(paths.trained(run_id), _trained, TRAIN_AGAIN)
    except FileNotFoundError:
        return None


def known_training(paths: Paths, run_id: str) -> Trained | None:
    """As `read_trained`, for those who only look: a damaged record is as good as none."""
    try:
        return read_trained(paths, run_id)
    except Damaged:
        return None


def set_aside(paths: Paths, run_id: str, damaged: Path) -> None:
    """Rename a damaged file of the run to `.damaged`, so that it is made again; with weights, the record of them."""
    if paths.run(run_id) in damaged.parents:
        for path in (damaged, paths.trained(run_id)) if damaged == paths.weights(run_id) else (damaged,):
            with suppress(FileNotFoundError):  # missing, or another launch was first
                move(path, path.with_name(f"{path.name}.damaged"))


def _trained(content: bytes) -> Trained:
    trained = Trained(**facts_of(content))
    if trained.outcome not in ("ok", "diverged"):
        raise ValueError(f"outcome {trained.outcome}")
    return trained


@dataclass(frozen=True)
class Attempt:
    """A try at a step: by which process, since when, and once it has ended when, and why if it failed.

    `number` counts a run's attempts: it says which came later, whatever clocks say. `machine` and `process_started`
    are those of `study.core.processes`.
    """

    attempt: str
    kind: str
    targets: tuple[str, ...]
    host: str
    pid: int
    started_at: str
    finished_at: str | None = None
    cause: str | None = None
    message: str | None = None
    traceback: str | None = None
    number: int = 0
    machine: str = ""
    process_started: int = 0
    heard_at: float = 0.0
    """When its process last touched its record, in seconds since 1970; not part of the record."""

    @property
    def seconds(self) -> float | None:
        """What it took; None where it has not ended, or nobody knows when."""
        return None if self.finished_at is None else seconds_since(self.started_at, self.finished_at)

    @property
    def is_running(self) -> bool:
        """Not ended, and its process is there: seen to be if it is of this machine, else heard of lately."""
        process = Process(self.machine, self.pid, self.process_started)
        if self.finished_at is not None:
            return False
        return process.is_alive if process.is_here else time.time() - self.heard_at < HEARD_S


def begin_attempt(paths: Paths, run_id: str, kind: str, targets: tuple[str, ...]) -> Attempt:
    """An attempt of this process, now, with the run's next number."""
    process, started_at, number = this_process(), now(), _next_number(paths.attempts(run_id))
    name = f"{number:05d}-{started_at[:26].replace(':', '').replace('-', '')}-{uuid.uuid4().hex[:6]}"
    return Attempt(
        name,
        kind,
        targets,
        socket.gethostname(),
        process.pid,
        started_at,
        number=number,
        machine=process.machine,
        process_started=process.started,
        heard_at=time.time(),
    )


def write_attempt(paths: Paths, run_id: str, attempt: Attempt) -> None:
    record = asdict(attempt)
    del record["heard_at"]
    write_whole(attempt_path(paths, run_id, attempt), json.dumps(record, indent=1).encode())


def attempt_path(paths: Paths, run_id: str, attempt: Attempt) -> Path:
    return paths.attempts(run_id) / f"{attempt.attempt}.json"


def read_attempts(paths: Paths, run_id: str) -> list[Attempt]:
    """The attempts at a run's steps, oldest first; one that cannot be read says nothing and is passed over."""
    folder = str(paths.attempts(run_id))
    found = []
    for name in _names(folder):
        if name.endswith(".json") and not name.startswith("."):
            try:
                with open(f"{folder}/{name}", "rb") as file:
                    raw, heard_at = json.loads(file.read()), os.fstat(file.fileno()).st_mtime
                found.append(_attempt(raw, heard_at))
            except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                continue
    return sorted(found, key=lambda attempt: (attempt.number, attempt.attempt))


def _attempt(raw: dict[str, object], heard_at: float) -> Attempt:
    """An attempt as recorded. Raises KeyError, TypeError or ValueError if this is none."""
    attempt = Attempt(**raw | {"targets": tuple(raw["targets"]), "heard_at": heard_at})
    moments = (attempt.started_at, attempt.finished_at or attempt.started_at)
    texts = (attempt.attempt, attempt.kind, attempt.cause or "", attempt.message or "", *attempt.targets)
    numbers = (attempt.number, attempt.pid, attempt.process_started)
    if not all(isinstance(each, str) for each in texts) or not all(type(each) is int for each in numbers):
        raise TypeError("text where a number belongs, or the reverse")
    if not all(datetime.fromisoformat(moment).tzinfo for moment in moments):
        raise ValueError("a time without its zone")
    return attempt


def _next_number(folder: Path) -> int:
    return 1 + max((int(match[1]) for match in map(NUMBERED.match, _names(str(folder))) if match), default=0)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # none yet; a folder that cannot be listed cannot be written to either, which is reported
        return []


def end_open_attempt(paths: Paths, run_id: str, kind: str, targets: tuple[str, ...], failure: Failure) -> None:
    """Record why an attempt ended whose process could not say so itself."""
    attempts = [
        attempt for attempt in read_attempts(paths, run_id) if (attempt.kind, attempt.targets) == (kind, targets)
    ]
    still_open = [attempt for attempt in attempts if attempt.finished_at is None]
    attempt = still_open[-1] if still_open else begin_attempt(paths, run_id, kind, targets)
    write_attempt(paths, run_id, replace(attempt, finished_at=now(), cause=failure.cause, message=failure.message))


def last_failure(attempts: list[Attempt]) -> Failure | None:
    """Why a step of the run failed, the newest that did; None if each that ended went well the last time.

    Fine-tuning and evaluation are steps of their own for each target: that another one went well makes up for nothing.
    """
    last = {
        (attempt.kind, () if attempt.kind in ("call", "learn") else attempt.targets): attempt
        for attempt in attempts
        if attempt.finished_at is not None
    }
    failed = [attempt for attempt in last.values() if attempt.cause is not None]
    if not failed:
        return None
    newest = max(failed, key=lambda attempt: (attempt.number, attempt.attempt))
    return Failure(newest.cause, newest.message or "")


def failed_by_itself(attempts: list[Attempt]) -> bool:
    """Whether a run failed for a cause of its own, so that trying again would fail again.

    A full disk is the store's; a lost worker is the machine's, until the launch has given the run up.
    """
    failure = last_failure(attempts)
    if failure is None or failure.cause == DISK_FULL:
        return False
    return not is_tried_again(failure, sum(attempt.cause == failure.cause for attempt in attempts))


def now() -> str:
    """This moment, UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def seconds_since(moment: str, until: str | None = None) -> float:
    """Seconds from a moment as `now` writes it, to another one or to this."""
    return (datetime.fromisoformat(until or now()) - datetime.fromisoformat(moment)).total_seconds()
