"""A launch's time to go, on the records of a sweep that was run."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from jobs.failures import Failure
from jobs.steps import Report, Step
from jobs.sweep import Progress
from study.core.durations import Slots
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.run import Run
from study.core.study_file import Study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.outlook import Outlook
from study.workflow.status import study_status


@pytest.fixture
def two_left(run_study: Path, tmp_path: Path) -> tuple[Study, list[Run]]:
    """The small study with two runs of one strategy undone."""
    study = read_study(Path(shutil.copytree(run_study, tmp_path / "copy")))
    paths = Paths(study.store)
    runs = [run for run in read_plan(paths.plan, study) if run.strategy == "SS-R"][:2]
    for run in runs:
        shutil.rmtree(paths.run(run.run_id))
        shutil.rmtree(paths.results / run.run_id)
    return study, runs


def test_each_step_that_ends_is_taken_off_and_a_failed_run_is_dropped(two_left: tuple[Study, list[Run]]) -> None:
    study, (first, second) = two_left
    targets = tuple(study.targets)
    outlook = Outlook(study, {first: targets, second: targets}, Slots(1, 1))
    progress = Progress(2, 6)
    whole = outlook.time_left({})
    assert whole is not None and whole.is_complete
    status = study_status(study)
    assert status["cpu_hours_left"] == pytest.approx(whole.all_s / 3600), "one estimate"
    assert status["estimate_is_complete"] and status["cost_basis"] == outlook.estimate.basis
    to_go = [whole.seconds]
    for step in (Step("learn", first, targets), *(Step("evaluate", first, (name,)) for name in targets)):
        outlook.look(progress, Report(step))
        assert progress.seconds_to_go is not None
        to_go.append(progress.seconds_to_go)
    assert to_go == sorted(to_go, reverse=True) and len(set(to_go)) == len(to_go)
    second_s = progress.seconds_to_go
    learn = Step("learn", second, targets)
    begun = outlook.time_left({learn: time.monotonic() - 1e6})
    assert begun is not None and 0 < begun.seconds < second_s, "evaluations are still to come"
    lost = Failure("lost", "")
    outlook.look(progress, Report(learn, lost))
    assert progress.seconds_to_go == pytest.approx(second_s), "it is tried again"
    progress.failed[second.run_id] = lost
    outlook.look(progress, Report(learn, lost))
    assert progress.seconds_to_go == 0


def test_a_launch_that_plans_on_has_all_its_time_to_go(two_left: tuple[Study, list[Run]]) -> None:
    study, (first, _) = two_left
    learn = Step("learn", first, tuple(study.targets))
    for stop_after_s, plans_on, expected in ((1e6, True, 1e6), (1e6, False, None), (0.0, True, None)):
        outlook = Outlook(study, {first: learn.targets}, Slots(1, 1), stop_after_s, plans_on)
        progress = Progress(1, 3)
        outlook.look(progress, Report(learn))
        left = outlook.time_left({})
        assert left is not None
        wanted = left.seconds if stop_after_s and expected is None else expected
        assert progress.seconds_to_go == (None if wanted is None else pytest.approx(wanted, rel=1e-4))


def test_a_launch_says_the_cost_first_and_the_time_to_go_with_every_step(two_left: tuple[Study, list[Run]]) -> None:
    study, _ = two_left
    said: list[str] = []
    seen: list[float | None] = []
    launch_study(
        study, LaunchOptions(in_process=True), said.append, lambda progress, _: seen.append(progress.seconds_to_go)
    )
    assert said[-1].startswith("2 runs left: about ") and "CPU-hours based on 13 finished trainings" in said[-1]
    assert len(seen) == 2 * 4 and None not in seen and seen[-1] == 0
