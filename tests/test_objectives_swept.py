"""A contrastive source beside `self`, their losses added, the best epoch kept: from design to report, with a kill."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from jobs.learning.representation import load_network
from jobs.records import read_trained
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.results import stored_results
from study.workflow.analysis import own_results
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from tests.small_study import STUDY
from tests.test_bad_input import study as run_command

PATIENCE_S = 300
TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at", "code_version"]
SOURCES = """[sources.self]
labels = "self"
[sources.views]
labels = "self"
objective = "contrastive"
[sources.pitch]
labels = "number"
table = "pitch.csv"

"""
TRAINING = """[training]
schedule = "sum"
weights = { self = 0.5 }
select = "best"
learning_rate_schedule = "cosine"
clip_norm = 1.0
"""
PHASES = """
[[design.phase]]
name = "single"
strategy = ["SS-R"]
n_sources = [1]
repeats = 2
[[design.phase]]
name = "pairs"
strategy = ["MS-SR@FC", "MS-CR@4"]
n_sources = [2]
"""


@pytest.fixture
def folder(small_study: Path) -> Path:
    text = STUDY[: STUDY.index("[sources.self]")] + SOURCES + STUDY[STUDY.index("[training]") :]
    text = text[: text.index("[targets.plays]")] + text[text.index("[baselines]") : text.index("[[design.phase]]")]
    text = text.replace("[training]\n", TRAINING).replace("epochs = 1", "epochs = 3")
    (small_study / "study.toml").write_text(text.replace("random = 2", "random = 1") + PHASES, encoding="utf-8")
    return small_study


@pytest.mark.ray
def test_designed_killed_launched_again_analysed(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL to the driver on a real Ray; then the rows of an undisturbed sweep, bit for bit, and a report."""
    assert run_command(capfd, "design", str(folder))[0] == 0
    study, told = read_study(folder), tmp_path / "told"
    planned = pd.read_parquet(Paths(study.store).plan)
    assert len(planned) == 6 + 6
    command = [sys.executable, "-P", "-m", "study", "launch", str(folder)]
    with told.open("w") as file:
        driver = subprocess.Popen(command, cwd=tmp_path, stderr=file, start_new_session=True)
    began = time.monotonic()
    while len(list(stored_results(Paths(study.store)))) < 3:
        assert driver.poll() is None and time.monotonic() - began < PATIENCE_S, told.read_text()
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    assert 0 < len(list(stored_results(Paths(study.store)))) < 2 * 14, "killed in the middle"
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(driver.pid, signal.SIGKILL)  # what the killed driver's Ray left, if anything
    assert again.returncode == 0, again.stderr

    both = planned[planned["source.self"] & planned["source.views"]]["run_id"]
    for run_id in both:
        network = load_network(Paths(study.store).weights(run_id))[0]
        assert network.objectives == {"self": "pairs", "views": "contrastive"}
        record = read_trained(Paths(study.store), run_id)
        assert record is not None and record.train_steps == 3 * 3, "an epoch of the sum has l iterations"
        assert '"event": "selected"' in Paths(study.store).log(run_id).read_text()

    status, _, err = run_command(capfd, "analyze", str(folder), "--out", str(tmp_path / "report"))
    assert status == 0, err
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "MS-CR@4" in page and "views" in page

    undisturbed = read_study(folder, [f"study.store={tmp_path / 'undisturbed'}"])
    design_study(undisturbed, None)
    launch_study(undisturbed, LaunchOptions(in_process=True))
    keys = ["run_id", "target", "repeat", "metric"]
    tables = [own_results(of).drop(columns=TIMES).sort_values(keys, ignore_index=True) for of in (study, undisturbed)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
