"""A disk that is full, by a small one that is mounted: said as such, and whole once there is room."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from jobs import launch as story
from jobs.failures import DISK_FULL
from jobs.in_process import InProcess
from jobs.prepared_data import read_prepared
from jobs.records import read_attempts, read_trained
from study.core.errors import RunFailed
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.run import Run
from study.core.study_file import Study
from study.core.valid_results import read_results

TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at"]
KEY = ["target", "repeat", "fold", "metric"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no mount")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting is refused: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def launched(study: Study, run: Run) -> story.Progress:
    return story.launch(study, read_prepared(study), [run], InProcess(study), lambda *_: None)


def scores(study: Study, run: Run) -> pd.DataFrame:
    rows, faults = read_results(Paths(study.store))
    assert not faults
    rows = rows[rows["run_id"] == run.run_id]
    return rows.drop(columns=TIMES).sort_values(KEY, ignore_index=True)


@pytest.mark.parametrize("free_kib", [0, 8, 24, 50, 100])
def test_a_full_disk_stops_the_launch_and_loses_one_training_at_most(
    run_study: Path, small_disk: Path, free_kib: int
) -> None:
    whole = read_study(run_study)
    study = whole.model_copy(update={"header": whole.header.model_copy(update={"store": small_disk})})
    shutil.copytree(run_study / "prepared", small_disk / "prepared")
    run = read_plan(Paths(whole.store).plan, whole)[0]
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 1024 * free_kib))
    with pytest.raises(RunFailed, match=r"MiB are free under .*launch again"):
        launched(study, run)
    attempts = read_attempts(Paths(study.store), run.run_id)
    assert {attempt.cause for attempt in attempts} <= {None, DISK_FULL}
    assert not [path for path in small_disk.rglob("*.tmp") if path != filler]
    trained = read_trained(Paths(study.store), run.run_id)
    filler.unlink()
    assert launched(study, run).runs_done == 1
    assert trained is None or trained == read_trained(Paths(study.store), run.run_id), "not trained twice"
    pd.testing.assert_frame_equal(scores(study, run), scores(whole, run), check_exact=True)
