"""How commands end: readers that go away, streams that are closed, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from design.generate import generate
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.reading import read_study
from study.core.results import stored_results

STUDY = [sys.executable, "-P", "-m", "study"]


@pytest.fixture
def one_run(small_study: Path) -> list[str]:
    """The command that launches one run of the study, on Ray."""
    study = read_study(small_study)
    write_plan(Paths(study.store).plan, study, generate(study, 2), lambda run: None)
    run = read_plan(Paths(study.store).plan, study)[0]
    return [*STUDY, "launch", str(small_study), "--runs", run.run_id]


def n_results(folder: Path) -> int:
    return len(list(stored_results(Paths(folder))))


@pytest.mark.ray
def test_a_launch_outlives_its_reader(one_run: list[str], small_study: Path) -> None:
    reading, writing = os.pipe()
    launch = subprocess.Popen(one_run, stdout=writing, stderr=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as reader:
        assert reader.readline()  # as `head -1` does
    assert launch.wait(240) == 0 and n_results(small_study) == 3


def without_streams(command: list[str], closed: str) -> int:
    return subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *command], check=False).returncode


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-"])
def test_closed_streams_are_nowhere(small_study: Path, closed: str) -> None:
    """A command that writes to both: what it lists, and what is wrong."""
    (small_study / "pitch.csv").unlink()
    assert without_streams([*STUDY, "check", str(small_study)], closed) == 2


@pytest.mark.ray
def test_a_launch_without_any_stream(one_run: list[str], small_study: Path) -> None:
    assert without_streams(one_run, "<&- >&- 2>&-") == 0 and n_results(small_study) == 3


def test_other_commands_end_quietly_without_a_reader(small_study: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*STUDY, "schema"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert done.stderr == b"" and done.returncode != 0


SLEEPING = """
import signal, sys, time, typer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
from study import cli
app = typer.Typer()
app.command()(lambda: (print("ready", flush=True), time.sleep(60)))
cli.app = app
cli.run()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_is_the_exit_status_of_any_command(number: signal.Signals, status: int) -> None:
    command = subprocess.Popen([sys.executable, "-c", SLEEPING], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout is not None and command.stdout.readline() == b"ready\n"
    command.send_signal(number)
    _, told = command.communicate(timeout=60)
    assert command.returncode == status and len(told.splitlines()) <= 2 and b"Traceback" not in told
