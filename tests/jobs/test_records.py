from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.failures import Failure
from jobs.records import (
    Trained,
    begin_attempt,
    end_open_attempt,
    last_failure,
    now,
    read_attempts,
    read_trained,
    write_attempt,
    write_trained,
)
from study.core.errors import InputFaults
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
    with pytest.raises(InputFaults, match=r"trained\.json: not a valid record .*delete the folder runs/r"):
        read_trained(Paths(tmp_path), "r")


def test_attempts_in_order_of_time(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    attempts = [begin_attempt("learn", ("a", "b")) for _ in range(3)]
    for attempt in reversed(attempts):
        write_attempt(paths, "r", attempt)
    assert read_attempts(paths, "r") == attempts
    assert all(attempt.is_running for attempt in attempts)
    assert last_failure(attempts) is None


def test_running_ends_with_the_process_or_the_attempt(tmp_path: Path) -> None:
    attempt = begin_attempt("learn", ("a",))
    assert attempt.pid == os.getpid()
    assert not replace(attempt, finished_at=now()).is_running
    gone = 2**22 + 1  # above the largest process id
    assert not replace(attempt, pid=gone).is_running
    assert replace(attempt, pid=gone, host="elsewhere").is_running, "another machine's process cannot be looked at"


def test_the_newest_failure_counts(tmp_path: Path) -> None:
    failed = replace(begin_attempt("learn", ("a",)), finished_at=now(), cause="error", message="bug")
    fine = replace(begin_attempt("learn", ("a",)), finished_at=now())
    assert last_failure([failed]) == Failure("error", "bug")
    assert last_failure([failed, fine]) is None
    assert last_failure([fine, failed, begin_attempt("learn", ("a",))]) == Failure("error", "bug")


def test_one_target_that_went_well_makes_up_for_no_other() -> None:
    failed = replace(begin_attempt("evaluate", ("a",)), finished_at=now(), cause="error", message="bug")
    other, again = (replace(begin_attempt("evaluate", (name,)), finished_at=now()) for name in "ba")
    assert last_failure([failed, other]) == Failure("error", "bug")
    assert last_failure([failed, other, again]) is None


def test_an_attempt_whose_process_died_is_ended_for_it(tmp_path: Path) -> None:
    paths, lost = Paths(tmp_path), Failure("lost", "the node died")
    write_attempt(paths, "r", begin_attempt("learn", ("a",)))
    write_attempt(paths, "r", begin_attempt("evaluate", ("a",)))
    end_open_attempt(paths, "r", "learn", ("a",), lost)
    learned, evaluating = read_attempts(paths, "r")
    assert learned.cause == "lost" and not learned.is_running and evaluating.is_running
    assert last_failure([learned, evaluating]) == lost
    end_open_attempt(paths, "r", "learn", ("b",), lost)
    assert len(read_attempts(paths, "r")) == 3, "one that died before it could begin is recorded, too"
