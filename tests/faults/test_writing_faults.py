"""Every place that writes, failing in every way: launched again, a study ends with the rows of an undisturbed run.

Here a sample; `python -m benchmarks.writing_faults` tries all of them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.core import processes
from study.core.errors import StudyError
from study.core.processes import Process
from tests.faults.disk import KINDS, FaultyDisk, Killed
from tests.faults.tiny_study import copy_of, rows_of, run_all, write_tiny_study
from tests.writing_places import others, places

SWEEP = {
    "jobs/evaluate_step.py _keep_predictions", "jobs/evaluate_step.py _keep_representation",
    "jobs/fine_tune_step.py fine_tune_run", "jobs/sweep.py forget_representations",
    "jobs/kept_representations.py save_representation",
    "jobs/learn_step.py _kept_arithmetic", "jobs/learn_step.py learn", "jobs/learning/checkpoint.py write_checkpoint",
    "jobs/learning/representation.py save_weights", "jobs/learning/training_log.py cut_log",
    "jobs/learning/training_log.py write_line", "jobs/preparation.py _hashes", "jobs/preparation.py prepare",
    "jobs/prepared_data.py save_arrays", "jobs/records.py write_attempt", "jobs/records.py write_trained",
    "jobs/sound/content_hashes.py content_hashes", "jobs/sound/mel_writing.py _write_frames",
    "jobs/sound/mel_writing.py write_mel_store", "jobs/source_labels.py _write_topics", "study/core/plan.py write_plan",
    "study/core/results.py commit_result",
}  # fmt: skip
"""The places that plan, prepare and launch reach: each is made to fail here."""

ON_DAMAGE = {
    "jobs/launch.py set_invalid_aside": "tests/study/core/test_valid_results.py",
    "jobs/records.py set_aside": "tests/jobs/test_damage.py",
    "study/workflow/clean.py remove_stale": "a command of its own: tests/study/workflow/test_clean.py",
    "study/folder.py clean": "the same from Python: tests/study/workflow/test_clean.py",
    "study/core/backbone_costs.py write_costs": "where a package declares no cost: tests/test_own_backbones.py",
    "study/core/result_index.py _keep": "a cache: tests/study/core/test_result_index.py",
    "study/core/temporary_files.py sweep": "tests/study/core/test_temporary_files.py",
    "jobs/steps.py _heard_of": "the time of a record: tests/jobs/test_records.py",
    "jobs/steps.py keep_touching": "the same",
    "jobs/learn_step.py _context": "where a learner is not the program's own: tests/test_learners.py",
    "jobs/function_step.py call": "where runs are a function: tests/test_function_studies.py",
}
"""Reached only after something else has gone wrong, after a while, or by another kind of study; tested where it
says."""

MADE_AGAIN = {
    "analysis/figures.py save", "analysis/report/draws.py write_draws",
    "analysis/report/write_report.py _write_tables", "analysis/report/write_report.py write_report",
    "design/page.py write_page", "jobs/demo/label_tables.py _write_frame", "jobs/demo/synthesis.py _render",
    "jobs/demo/synthesis.py make_demo", "jobs/embed.py embed", "jobs/few_tracks.py write_few_tracks",
    "jobs/step_speed.py measured_step_speed", "study/core/fault_list.py list_faults",
    "study/workflow/from_audio/start.py _write", "study/workflow/from_audio/write.py write_tables",
    "study/workflow/new.py new_study", "study/workflow/power.py study_power", "study/workflow/quick.py _begin_anew",
    "study/workflow/stopping.py _look",
}  # fmt: skip
"""What a command writes for its user, each file whole or not at all; no sweep reads it, and the command repeats it."""

NOT_OF_A_STUDY = {
    "jobs/embed.py write_table": "into the file that `written_whole` gave it",
    "jobs/ray_backend.py TemporaryDirectory": "an empty folder for Ray, of this machine",
    "study/commands/ends.py open": "/dev/null",
    "study/folder.py TemporaryDirectory": "a study for an embedding, of this machine",
    "study/workflow/from_audio/start.py TemporaryDirectory": "a study to estimate with, of this machine",
}


def test_no_file_is_written_but_by_the_ground() -> None:
    assert others() == set(NOT_OF_A_STUDY)


def test_every_place_that_writes_is_known() -> None:
    """A new one belongs into one of the sets above: where it is made to fail."""
    assert places() == SWEEP | set(ON_DAMAGE) | MADE_AGAIN


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="needs the extra [train]")
    return write_tiny_study(tmp_path_factory.mktemp("tiny") / "study")


@pytest.fixture(scope="module")
def undisturbed(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """The rows, and every call to the system with the place that asked for it."""
    folder = copy_of(tiny, tmp_path_factory.mktemp("undisturbed") / "study")
    with pytest.MonkeyPatch.context() as patch:
        disk = FaultyDisk(folder, patch)
        run_all(folder)
    return rows_of(folder), disk.calls


def test_the_sweep_reaches_every_place_of_it(undisturbed: tuple[pd.DataFrame, list[tuple[str, str]]]) -> None:
    assert {place for place, _ in undisturbed[1]} >= SWEEP


def end_and_launch_again(folder: Path, at: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A launch with a fault, its end, and another launch without."""
    with monkeypatch.context() as patch:
        disk = FaultyDisk(folder, patch, at, kind)
        with contextlib.suppress(Killed, OSError, StudyError):
            run_all(folder)
        assert len(disk.calls) > at, "the fault came"
    disk.end()
    now = processes.this_process()
    with monkeypatch.context() as patch:  # another process: what the first left half-written is swept
        patch.setattr(processes, "started", lambda pid: now.started + 1)
        assert processes.this_process() != now and not Process(now.machine, now.pid, now.started).is_alive
        run_all(folder)
    assert not list(folder.rglob("*.tmp"))
    return rows_of(folder)


N_SAMPLED = 6


@pytest.mark.parametrize("number", range(N_SAMPLED))
def test_a_fault_changes_no_row(
    tiny: Path, undisturbed: tuple[pd.DataFrame, list[tuple[str, str]]], number: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    rows, calls = undisturbed
    at = int(np.random.default_rng(13).permutation(len(calls))[number])
    again = end_and_launch_again(copy_of(tiny, tmp_path / "study"), at, KINDS[number % len(KINDS)], monkeypatch)
    pd.testing.assert_frame_equal(again, rows, check_exact=True)
