"""A study of two tiny networks, prepared and run in a second: for tests that run it many times."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from jobs import launch as story
from jobs.in_process import InProcess
from jobs.preparation import prepare
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.reading import read_study
from study.core.result_index import survey_results
from study.core.run import Run, baseline_runs, make_run
from study.core.study_file import Study
from study.core.valid_results import expected_results, read_results
from tests.small_study import write_small_study

TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at"]
KEY = ["run_id", "target", "factor.transfer", "repeat", "fold", "metric"]


def write_tiny_study(folder: Path) -> Path:
    """All kinds of files are written for it: kept representations, fine-tuned predictions, checkpoints, topics."""
    write_small_study(folder, n_corpus=10, n_target=10)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[targets.height]")
    tail = rest[rest.index("[baselines]") :]
    head = head.replace("epochs = 1", "epochs = 1\ncheckpoint_minutes = 1e-9").replace("factors = 4", "factors = 2")
    head = head.replace("repeats = 2", 'repeats = 1\nkeep = ["representation"]').replace("factors = 3", "factors = 2")
    further = '[factors]\ntransfer = ["frozen", "fine-tune"]\n[fine_tuning]\nepochs = 1\n'
    (folder / "study.toml").write_text(head + further + tail.replace("random = 2", "random = 0"), encoding="utf-8")
    return folder


def runs_of(study: Study) -> list[Run]:
    return [*baseline_runs(study), make_run(study, "all", 0, "MS-CR@6", ("pitch", "tag"))]


def run_all(folder: Path) -> story.Progress:
    """Plan, prepare and launch, as the commands do, in this process."""
    study = read_study(folder)
    paths = Paths(study.store)
    if not paths.plan.exists():
        write_plan(paths.plan, study, [run for run in runs_of(study) if not run.is_baseline], lambda run: None)
    runs = [*baseline_runs(study), *read_plan(paths.plan, study)]
    prepared = prepare(study, workers=1)
    survey = survey_results(paths, expected_results(study, runs, prepared.target_fingerprints))
    story.set_invalid_aside(survey)
    story.forget_left_over(study, runs, story.missing_targets(study, prepared, runs))
    return story.launch(study, prepared, runs, InProcess(study), lambda progress, report: None)


def rows_of(folder: Path) -> pd.DataFrame:
    """The rows of all results, without times, in order."""
    rows, faults = read_results(Paths(read_study(folder).store))
    assert not faults
    return rows.drop(columns=TIMES).sort_values(KEY, ignore_index=True)


def copy_of(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))
