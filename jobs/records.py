"""What a run leaves beside its weights: `trained.json` once it has learned, and a line for each attempt at a step."""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from jobs.failures import DISK_FULL, Failure, is_tried_again
from study.core.errors import Fault, InputFaults
from study.core.paths import Paths, write_once, write_whole


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


def write_trained(paths: Paths, run_id: str, trained: Trained) -> Trained:
    """Say that the run has learned. The first attempt to say so is the one that counts, and that is returned."""
    text = json.dumps(asdict(trained), indent=1)
    if write_once(paths.trained(run_id), lambda temporary: temporary.write_text(text, encoding="utf-8")):
        return trained
    first = read_trained(paths, run_id)
    assert first is not None  # it was there a moment ago
    return first


def read_trained(paths: Paths, run_id: str) -> Trained | None:
    """None if the run has not learned yet. Raises InputFaults if the record is not one."""
    path = paths.trained(run_id)
    try:
        return Trained(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        expected = f"not a valid record of a training ({error}); delete the folder runs/{run_id} to train it again"
        raise InputFaults([Fault(str(path), "", None, expected)]) from None


@dataclass(frozen=True)
class Attempt:
    """A try at a step: by which process, since when, and once it has ended when, and why if it failed."""

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

    @property
    def seconds(self) -> float | None:
        """What it took; None where it has not ended, or nobody knows when."""
        return None if self.finished_at is None else seconds_since(self.started_at, self.finished_at)

    @property
    def is_running(self) -> bool:
        """Not ended, and its process is there as far as this machine can tell."""
        return self.finished_at is None and (self.host != socket.gethostname() or _is_alive(self.pid))


def begin_attempt(kind: str, targets: tuple[str, ...]) -> Attempt:
    """An attempt of this process, now; its id sorts by time."""
    started_at = now()
    name = f"{started_at[:26].replace(':', '').replace('-', '')}-{uuid.uuid4().hex[:6]}"
    return Attempt(name, kind, targets, socket.gethostname(), os.getpid(), started_at)


def write_attempt(paths: Paths, run_id: str, attempt: Attempt) -> None:
    path = paths.attempts(run_id) / f"{attempt.attempt}.json"
    text = json.dumps(asdict(attempt), indent=1)
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_attempts(paths: Paths, run_id: str) -> list[Attempt]:
    """The attempts at a run's steps, oldest first; one that cannot be read says nothing and is passed over."""
    found = []
    for path in sorted(paths.attempts(run_id).glob("*.json")):
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            found.append(Attempt(**raw | {"targets": tuple(raw["targets"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return found


def end_open_attempt(paths: Paths, run_id: str, kind: str, targets: tuple[str, ...], failure: Failure) -> None:
    """Record why an attempt ended whose process could not say so itself."""
    attempts = [
        attempt for attempt in read_attempts(paths, run_id) if (attempt.kind, attempt.targets) == (kind, targets)
    ]
    still_open = [attempt for attempt in attempts if attempt.finished_at is None]
    attempt = still_open[-1] if still_open else begin_attempt(kind, targets)
    write_attempt(paths, run_id, replace(attempt, finished_at=now(), cause=failure.cause, message=failure.message))


def last_failure(attempts: list[Attempt]) -> Failure | None:
    """Why a step of the run failed, the newest that did; None if each that ended went well the last time.

    Fine-tuning and evaluation are steps of their own for each target: that another one went well makes up for nothing.
    """
    last = {(attempt.kind, () if attempt.kind == "learn" else attempt.targets): attempt
            for attempt in attempts if attempt.finished_at is not None}  # fmt: skip
    failed = {attempt.attempt: Failure(attempt.cause, attempt.message or "")
              for attempt in last.values() if attempt.cause is not None}  # fmt: skip
    return failed[max(failed)] if failed else None


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


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() if Path("/proc").is_dir() else True
