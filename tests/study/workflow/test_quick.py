"""`launch --quick` on the small study: all its parts, few tracks, nothing in its own store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from study.core.errors import InputFaults
from study.core.paths import FILE_NAME, Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.run import baseline_runs
from study.workflow import quick
from study.workflow.launch import LaunchOptions
from study.workflow.quick import few_runs, launch_quick, quick_study
from study.workflow.status import study_status
from tests.small_study import STUDY
from tests.test_bad_input import edit, study

IN_PROCESS = LaunchOptions(in_process=True)
SINGLE = '{name = "single", strategy = ["SS-R"], n_sources = [1]}'
ALL = '{name = "all", strategy = ["MSS-CR"], n_sources = [3]}'
SMALLER = ["baselines.mfcc=false", f"design.phase=[{SINGLE}, {ALL}]"]


def test_all_parts_are_tried_in_a_store_of_their_own(small_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "FEWEST_TRACKS", 5)
    lines: list[str] = []
    launch_quick(small_study, IN_PROCESS, SMALLER, lines.append)
    tried = "\n".join(line for line in lines if line.startswith(("tried", "not tried")))
    assert "2 runs, 1 epoch on" in tried and "strategies MSS-CR, SS-R" in tried and "self, pitch, tag" in tried
    assert "timbre (10 tracks)" in tried and "baselines Random" in tried
    left = {path.name for path in small_study.iterdir()} & {"plan.parquet", "prepared", "runs", "results"}
    assert left == set(), "nothing of the study's own"
    of_trial, n_tracks = quick_study(small_study, read_study(small_study), SMALLER)
    assert n_tracks in (10, 20), "doubled until the tables have no fault"
    assert of_trial.store == small_study / "quick" and of_trial.training.epochs == 1
    status = study_status(of_trial)
    assert status["done"] == status["planned"] == 3 and status["other_version"] == []

    monkeypatch.setattr(quick, "launch_study", lambda *given: None)
    edit(small_study / FILE_NAME, "batch_size = 8", "batch_size = 16")
    launch_quick(small_study, IN_PROCESS, [*SMALLER, "training.epochs=2"], lines.append)
    assert "2 runs, 2 epochs on" in lines[-5], "what --set says stays so"
    assert not Paths(of_trial.store).results.exists(), "a trial begins anew"


def test_options_that_make_no_sense_in_a_trial_are_refused(small_study: Path) -> None:
    with pytest.raises(InputFaults) as caught:
        launch_quick(small_study, LaunchOptions(runs=("a",), until="strategy < 1", stop_after_s=0.0))
    assert len(caught.value.faults) == 3


def test_the_few_runs_have_every_strategy_source_and_level(tmp_path: Path) -> None:
    factors = "\n[factors]\nwidth = [0.125, 0.25]\noptimiser = ['adam', 'sgd', 'nadam']\n"
    (tmp_path / FILE_NAME).write_text(STUDY + factors, encoding="utf-8")
    given = read_study(tmp_path)
    runs = few_runs(given)
    assert {run.strategy for run in runs} == set(given.strategies) and len(runs) <= 8
    assert {name for run in runs for name in run.sources} == set(given.sources)
    for name, levels in given.further_factors.items():
        assert {run.factors[name] for run in runs} == set(levels)


def test_a_folder_with_other_runs_is_left_alone(run_study: Path, small_study: Path) -> None:
    """Someone's own study has its store where a trial would go."""
    mine = small_study / "quick" / "runs" / "mine"
    mine.mkdir(parents=True)
    with pytest.raises(InputFaults, match="holds runs that are not from a trial"):
        launch_quick(small_study, IN_PROCESS)
    Paths(small_study / "quick").plan.write_bytes(Paths(run_study).plan.read_bytes())
    with pytest.raises(InputFaults, match="holds runs that are not from a trial"):
        launch_quick(small_study, IN_PROCESS)
    assert mine.is_dir() and not (small_study / "quick" / "tables").exists()


def test_faults_of_the_tables_come_first(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = pd.read_csv(small_study / "timbre.csv")
    table.assign(label="dull").to_csv(small_study / "timbre.csv", index=False)
    (small_study / "pitch.csv").unlink()
    status, _, err = study(capfd, "launch", str(small_study), "--quick", "--in-process")
    assert status == 2 and "expected two classes or more" in err and "no such file" in err
    assert not (small_study / "quick").exists()


def test_a_plan_made_before_stays(small_study: Path, run_study: Path) -> None:
    Paths(small_study).plan.write_bytes(Paths(run_study).plan.read_bytes())
    given = read_study(small_study)
    before = baseline_runs(given) + read_plan(Paths(small_study).plan, given)
    quick_study(small_study, given)
    assert baseline_runs(given) + read_plan(Paths(small_study).plan, given) == before
