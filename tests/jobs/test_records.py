from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jobs import records, steps
from jobs.failures import Failure
from jobs.records import (
    Attempt,
    Trained,
    begin_attempt,
    end_open_attempt,
    known_training,
    last_failure,
    now,
    read_attempts,
    read_trained,
    write_attempt,
    write_trained,
)
from study.core.errors import Damaged
from study.core.paths import Paths

TRAINED = Trained("ok", "a", 1.5, 10, "cpu", "float32", 100, 32, 1, "f", 1, now())


def test_the_first_training_counts(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert read_trained(paths, "r") is None
    assert write_trained(paths, "r", TRAINED) == TRAINED
    assert write_trained(paths, "r", replace(TRAINED, attempt="b")) == TRAINED
    assert read_trained(paths, "r") == TRAINED


@pytest.mark.parametrize("text", ["", "{}", '{"outcome": "ok"'])
def test_a_broken_record_is_told(tmp_path: Path, text: str) -> None:
    path = Paths(tmp_path).trained("r")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(Damaged, match=r"trained\.json: damaged, .*trains the run again"):
        read_trained(Paths(tmp_path), "r")
    assert known_training(Paths(tmp_path), "r") is None


def test_attempts_in_order_whatever_the_clock_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path)
    attempts = []
    for second in (30, 20, 10):  # the clock is set back
        monkeypatch.setattr(records, "now", lambda second=second: f"2026-01-01T00:00:{second}.000000+00:00")
        attempts.append(begin_attempt(paths, "r", "learn", ("a", "b")))
        write_attempt(paths, "r", attempts[-1])
    read = read_attempts(paths, "r")
    assert [attempt.number for attempt in read] == [1, 2, 3]
    assert [replace(attempt, heard_at=0.0) for attempt in read] == [replace(each, heard_at=0.0) for each in attempts]
    assert all(attempt.is_running for attempt in read)
    assert last_failure(read) is None


def test_an_older_failure_does_not_beat_a_later_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path)
    for second, cause in ((30, "error"), (10, None)):
        monkeypatch.setattr(records, "now", lambda second=second: f"2026-01-01T00:00:{second}.000000+00:00")
        attempt = begin_attempt(paths, "r", "learn", ("a",))
        write_attempt(paths, "r", replace(attempt, finished_at=records.now(), cause=cause))
    assert last_failure(read_attempts(paths, "r")) is None


def begun(kind: str = "learn", target: str = "a") -> Attempt:
    return begin_attempt(Paths(Path("nowhere")), "r", kind, (target,))


def test_running_ends_with_the_process_or_the_attempt() -> None:
    attempt = begun()
    assert attempt.pid == os.getpid() and attempt.is_running
    assert not replace(attempt, finished_at=now()).is_running
    assert not replace(attempt, pid=2**22 + 1).is_running, "above the largest process id"
    assert not replace(attempt, process_started=attempt.process_started - 1).is_running, "its id is used again"


@pytest.mark.parametrize("machine", ["00000000", ""])
def test_an_attempt_of_another_machine_runs_while_it_is_heard_of(machine: str) -> None:
    """And one of earlier releases, which did not say which machine."""
    elsewhere = replace(begun(), machine=machine, host="elsewhere")
    assert elsewhere.is_running
    assert not replace(elsewhere, heard_at=elsewhere.heard_at - records.HEARD_S - 1).is_running


def test_a_running_step_is_heard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "HEARD_S", 0.05)
    record = tmp_path / "attempt.json"
    record.touch()
    os.utime(record, (0, 0))
    with steps._heard_of(record):
        while record.stat().st_mtime == 0:
            time.sleep(0.01)
    os.utime(record, (0, 0))
    time.sleep(0.1)
    assert record.stat().st_mtime == 0, "no longer, once it has ended"


def test_records_of_earlier_releases_are_read_and_broken_ones_passed_over(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    old = {"attempt": "20260101T000000.000000-abcdef", "kind": "learn", "targets": ["a"], "host": "h", "pid": 1,
           "started_at": "2026-01-01T00:00:00+00:00"}  # fmt: skip
    later = begin_attempt(paths, "r", "learn", ("a",))
    write_attempt(paths, "r", later)
    folder = paths.attempts("r")
    (folder / "20260101T000000.000000-abcdef.json").write_text(json.dumps(old))
    broken = ({**old, "started_at": "yesterday"}, {**old, "started_at": "2026-01-01T00:00:00"}, {**old, "pid": "x"},
              {**old, "cause": 3}, [], "text", {**old, "further": 1})  # fmt: skip
    for number, record in enumerate(broken):
        (folder / f"{number}.json").write_text(json.dumps(record))
    (folder / "deep.json").write_text("[" * 100_000)
    assert [attempt.attempt for attempt in read_attempts(paths, "r")] == [old["attempt"], later.attempt]


def test_the_newest_failure_counts() -> None:
    failed = replace(begun(), finished_at=now(), cause="error", message="bug")
    fine = replace(begun(), finished_at=now())
    assert last_failure([failed]) == Failure("error", "bug")
    assert last_failure([failed, fine]) is None
    assert last_failure([fine, failed, begun()]) == Failure("error", "bug")


def test_one_target_that_went_well_makes_up_for_no_other() -> None:
    failed = replace(begun("evaluate"), finished_at=now(), cause="error", message="bug")
    other, again = (replace(begun("evaluate", name), finished_at=now()) for name in "ba")
    assert last_failure([failed, other]) == Failure("error", "bug")
    assert last_failure([failed, other, again]) is None


def test_an_attempt_whose_process_died_is_ended_for_it(tmp_path: Path) -> None:
    paths, lost = Paths(tmp_path), Failure("lost", "the node died")
    write_attempt(paths, "r", begin_attempt(paths, "r", "learn", ("a",)))
    write_attempt(paths, "r", begin_attempt(paths, "r", "evaluate", ("a",)))
    end_open_attempt(paths, "r", "learn", ("a",), lost)
    learned, evaluating = read_attempts(paths, "r")
    assert learned.cause == "lost" and not learned.is_running and evaluating.is_running
    assert last_failure([learned, evaluating]) == lost
    end_open_attempt(paths, "r", "learn", ("b",), lost)
    assert len(read_attempts(paths, "r")) == 3, "one that died before it could begin is recorded, too"
