"""A sweep on a real Ray that is killed in its middle and launched again, beside one that is not disturbed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from study.core.paths import Paths
from study.core.results import KEY, stored_results
from study.core.study_file import Study
from study.core.valid_results import read_results

COMMAND = [sys.executable, "-P", "-m", "study", "launch"]
TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at"]
PATIENCE_S = 300


def kill_after(folder: Path, store: Path, n_results: int, tmp_path: Path) -> int:
    """Launch the study in `folder` and send SIGKILL to the driver once so many results are stored; how many are."""
    told = tmp_path / "told"
    with told.open("w") as file:
        driver = subprocess.Popen([*COMMAND, str(folder)], cwd=tmp_path, stderr=file, start_new_session=True)
    began = time.monotonic()
    while len(list(stored_results(Paths(store)))) < n_results:
        assert driver.poll() is None and time.monotonic() - began < PATIENCE_S, told.read_text()
        time.sleep(0.02)
    driver.kill()
    driver.wait()
    done = len(list(stored_results(Paths(store))))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(driver.pid, signal.SIGKILL)  # what the killed driver's Ray left, if anything
    return done


def launch_again(folder: Path, tmp_path: Path) -> None:
    again = subprocess.run(
        [*COMMAND, str(folder)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert again.returncode == 0, again.stderr


def assert_equal_rows(study: Study, undisturbed: Study) -> pd.DataFrame:
    """That both stores have the same rows, bit for bit, none twice; the rows."""
    tables = []
    for store in (study.store, undisturbed.store):
        rows, faults = read_results(Paths(store))
        assert not faults and not rows.duplicated(list(KEY)).any()
        tables.append(rows.sort_values(list(KEY), ignore_index=True))
    pd.testing.assert_frame_equal(*(table.drop(columns=TIMES) for table in tables), check_exact=True)
    return tables[0]
