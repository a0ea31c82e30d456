"""A real Ray on this machine: the contract, a hostile working directory, and a driver that is killed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import ray  # psutil ships within it

import psutil  # isort: skip

from design.generate import generate
from jobs.sweep import Backend
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.reading import read_study
from study.core.results import KEY, stored_results
from study.core.study_file import Study
from study.core.valid_results import read_results
from tests.contracts.backend import BackendContract

pytestmark = pytest.mark.ray

TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at"]
STUDY = [sys.executable, "-P", "-m", "study"]
PATIENCE_S = 240


class TestRay(BackendContract):
    @staticmethod
    def make_backend(study: Study):
        from jobs.ray_backend import RayBackend

        return RayBackend(study)

    def test_a_driver_without_the_token_is_refused(self, backend: Backend, tmp_path: Path) -> None:
        joins = f"import ray; ray.init({ray.get_runtime_context().gcs_address!r})"
        plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
        strangers = [
            subprocess.Popen(
                [sys.executable, "-c", joins],
                env={**plain, "HOME": str(tmp_path), **token},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for token in ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64})
        ]
        for stranger in strangers:
            _, said = stranger.communicate(timeout=PATIENCE_S)
            assert stranger.returncode != 0 and b"token" in said.lower()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("nowhere", r"--address = 'nowhere': expected auto, HOST:PORT or ray://HOST:PORT"),
        ("127.0.0.1:1", r"--address = '127.0.0.1:1': nothing answers there"),
        ("ray://127.0.0.1:1", r"nothing answers there"),
    ],
)
def test_an_address_that_does_not_answer_is_told_at_once(small_study: Path, address: str, told: str) -> None:
    from jobs.ray_backend import RayBackend

    with pytest.raises(InputFaults, match=told):
        RayBackend(read_study(small_study), address)


def rows(folder: Path) -> pd.DataFrame:
    found, faults = read_results(Paths(folder))
    assert not faults and not found.duplicated(list(KEY)).any()
    return found.sort_values(list(KEY), ignore_index=True).drop(columns=TIMES)


def test_killed_in_the_middle_and_launched_again(run_study: Path, tmp_path: Path) -> None:
    """SIGKILL to the driver amid trainings, from a folder of modules named as ours; then the same rows, bit for bit.

    The undisturbed run is the session's, in process: Ray must not change a score either.
    """
    folder = Path(shutil.copytree(run_study, tmp_path / "killed", ignore=shutil.ignore_patterns("results", "runs")))
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in ("study", "design", "jobs", "analysis"):
        (hostile / f"{name}.py").write_text("raise RuntimeError('a module of the user, not ours')\n")
    runs = [run.run_id for run in read_plan(Paths(folder).plan, read_study(folder))][:3]
    command = [*STUDY, "launch", str(folder), *(part for run_id in runs for part in ("--runs", run_id))]

    told = tmp_path / "told"
    with told.open("w") as file:
        driver = subprocess.Popen(command, cwd=hostile, stderr=file, start_new_session=True)
    began = time.monotonic()
    while not list(stored_results(Paths(folder))):
        assert driver.poll() is None, told.read_text()
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.1)
    driver.kill()
    driver.wait()
    done = len(list(stored_results(Paths(folder))))
    assert 0 < done < 9, "killed in the middle"

    again = subprocess.run(command, cwd=hostile, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(driver.pid, signal.SIGKILL)  # what the killed driver's Ray left, if anything
    assert again.returncode == 0, again.stderr
    undisturbed = rows(run_study)
    expected = undisturbed[undisturbed["run_id"].isin(runs)].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows(folder), expected, check_exact=True)


LONG = "training.epochs=4000"
"""So that a training is under way when the launch ends."""


def long_sweep(folder: Path, told: Path) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    """A launch amid a training, in a session of its own, and its processes."""
    study = read_study(folder, [LONG])
    write_plan(Paths(folder).plan, study, generate(study, 2), lambda run: None)
    with told.open("wb") as file:
        driver = subprocess.Popen(
            [*STUDY, "launch", str(folder), "--set", LONG],
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
        )
    began = time.monotonic()
    while True:
        assert driver.poll() is None and time.monotonic() - began < PATIENCE_S, told.read_text()
        if any(path.stat().st_size for path in Paths(folder).runs.glob("*/log.jsonl")):  # some epochs are done
            return driver, psutil.Process(driver.pid).children(recursive=True)
        time.sleep(0.1)


def assert_ended(driver: subprocess.Popen[bytes], processes: list[psutil.Process], status: int) -> None:
    """Within a minute, and 5 s later without an orphan."""
    try:
        assert driver.wait(60) == status
        _, alive = psutil.wait_procs(processes, 5)
        assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)


@pytest.mark.parametrize("service", ["raylet", "gcs_server"])
def test_a_lost_ray_ends_a_launch_in_a_line(small_study: Path, tmp_path: Path, service: str) -> None:
    """Ray's own last words may come before it."""
    driver, processes = long_sweep(small_study, tmp_path / "told")
    (lost,) = [process for process in processes if process.name() == service]
    lost.kill()
    assert_ended(driver, processes, 1)
    lines = (tmp_path / "told").read_text().splitlines()
    expected = rf"Ray's {service} ended unexpectedly: \d+ of \d+ runs done; launch again to resume"
    assert re.fullmatch(expected, lines[-1]) and not any("Traceback" in line for line in lines)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_launch_in_a_line(
    small_study: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    driver, processes = long_sweep(small_study, tmp_path / "told")
    driver.send_signal(number)
    assert_ended(driver, processes, status)
    lines = (tmp_path / "told").read_text().splitlines()
    assert re.fullmatch(r"stopped: \d+ of \d+ runs done; launch again to resume", lines[-1])
    assert not any("@" in line or "Traceback" in line for line in lines)
