"""The sweep's bookkeeping: what is missing is run, what is done is not, and nothing is counted twice."""

from __future__ import annotations

import errno
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs import evaluate_step
from jobs import launch as story
from jobs.failures import DISK_FULL, LOST, Failure
from jobs.in_process import InProcess
from jobs.kept_representations import read_representation, save_representation
from jobs.preparation import prepare
from jobs.records import read_attempts, read_trained
from jobs.steps import Report, Step, execute
from jobs.sweep import Limits, Progress, forget_representations
from study.commands.sweep_progress import line as _line
from study.core.digests import facts_of, sealed_json
from study.core.errors import InputFaults, Interrupted, RunFailed
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.result_index import Survey, survey_results
from study.core.results import KEY
from study.core.run import Run, baseline_runs, make_run
from study.core.study_file import Study
from study.core.valid_results import expected_results, read_results

TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at"]


def few_runs(study: Study) -> list[Run]:
    return [
        *baseline_runs(study)[:2],
        make_run(study, "single", 0, "SS-R", ("self",)),
        make_run(study, "all", 0, "MS-CR@4", ("self", "pitch", "tag")),
    ]


def rows(study: Study) -> pd.DataFrame:
    found, faults = read_results(Paths(study.store))
    assert not faults
    assert not found.duplicated(list(KEY)).any()
    return found.sort_values(list(KEY), ignore_index=True)


def survey(study: Study) -> Survey:
    fingerprints = prepare(study, workers=1).target_fingerprints
    return survey_results(Paths(study.store), expected_results(study, few_runs(study), fingerprints))


def launch(study: Study, backend=None, runs=None, **limits):
    prepared = prepare(study, workers=1)
    reports: list[Report] = []
    progress = story.launch(
        study, prepared, runs or few_runs(study), backend or InProcess(study), lambda _, report: reports.append(report),
        Limits(**limits),
    )  # fmt: skip
    return progress, Counter((report.step.kind, report.failure is None) for report in reports)


@pytest.fixture
def study(small_study: Path) -> Study:
    return read_study(small_study)


def test_all_rows_and_only_once(study: Study) -> None:
    progress, steps = launch(study)
    assert steps == {("learn", True): 4, ("evaluate", True): 12}
    assert (progress.runs_done, progress.evaluations_done, progress.failed) == (4, 12, {})
    found = rows(study)
    # 2 repeats: accuracy and r2 once each, nDCG twice
    assert len(found) == 4 * 2 * (1 + 1 + 2) and (found["outcome"] == "ok").all()
    assert found.groupby("run_id")["data_fingerprint"].nunique().eq(1).all()
    mfcc, random = found[found["strategy"] == "MFCC"], found[found["strategy"] == "Random"]
    assert set(mfcc["representation_dim"]) == {60} and set(mfcc["train_steps"]) == {0}
    assert random["n_parameters"].min() > 0
    assert not any(Paths(study.store).representations(run.run_id).exists() for run in few_runs(study))

    _, again = launch(study)
    assert not again, "launching again runs nothing"


def test_a_target_that_is_added_is_evaluated_from_the_kept_weights(study: Study, small_study: Path) -> None:
    text = (small_study / "study.toml").read_text()
    without = text[: text.index("[targets.height]")] + text[text.index("[targets.plays]") :]
    (small_study / "study.toml").write_text(without)
    launch(read_study(small_study))
    trained = {run.run_id: read_trained(Paths(study.store), run.run_id) for run in few_runs(study)}
    (small_study / "study.toml").write_text(text)
    _, steps = launch(study)
    assert steps == {("learn", True): 4, ("evaluate", True): 4}
    assert {run.run_id: read_trained(Paths(study.store), run.run_id) for run in few_runs(study)} == trained
    assert set(rows(study)["target"]) == {"timbre", "height", "plays"}


def test_a_changed_probe_evaluates_that_target_again(study: Study, small_study: Path) -> None:
    launch(study)
    text = (small_study / "study.toml").read_text()
    (small_study / "study.toml").write_text(text.replace('probe = "knn"', 'probe = "svm"', 1))
    _, steps = launch(read_study(small_study))
    assert steps == {("learn", True): 4, ("evaluate", True): 4}


def test_a_truncated_result_is_set_aside_and_made_again(study: Study) -> None:
    launch(study)
    before = rows(study)
    path = next(Paths(study.store).results.glob("*/timbre-*.parquet"))
    path.write_bytes(path.read_bytes()[:50])
    (fault,) = story.set_invalid_aside(survey(study))
    assert "truncated" in str(fault) and path.with_suffix(".invalid").exists()
    _, steps = launch(study)
    assert steps == {("learn", True): 1, ("evaluate", True): 1}
    pd.testing.assert_frame_equal(rows(study).drop(columns=TIMES), before.drop(columns=TIMES))


def test_changed_labels_are_refused(study: Study, small_study: Path) -> None:
    launch(study)
    table = pd.read_csv(small_study / "pitch.csv")
    table.assign(value=table["value"] + 1).to_csv(small_study / "pitch.csv", index=False)
    prepared = prepare(study, workers=1)
    with pytest.raises(InputFaults) as caught:
        story.refuse_other_data(study, prepared, few_runs(study), survey(study).valid, mix_versions=False)
    (fault,) = caught.value.faults  # only the run that learned from pitch
    assert fault.key == "data_fingerprint" and "trained before the corpus or its labels changed" in str(fault)


def test_another_version_is_refused_unless_mixed(study: Study) -> None:
    launch(study)
    path = Paths(study.store).trained(few_runs(study)[2].run_id)
    path.write_bytes(sealed_json(facts_of(path.read_bytes()) | {"train_scores_version": 0}))
    prepared = prepare(study, workers=1)
    with pytest.raises(InputFaults, match="train_scores_version = 0: expected"):
        story.refuse_other_data(study, prepared, few_runs(study), survey(study).valid, mix_versions=False)
    story.refuse_other_data(study, prepared, few_runs(study), survey(study).valid, mix_versions=True)


class Faulty(InProcess):
    """In process, but for the steps that `fault` gives a failure for."""

    def __init__(self, study: Study, fault) -> None:
        super().__init__(study)
        self.fault = fault

    def next_report(self) -> Report:
        step = self._started[0]
        failure = self.fault(step)
        if failure is None:
            return super().next_report()
        self._started.popleft()
        return Report(step, failure)


def test_a_failed_run_is_said_and_the_rest_goes_on(study: Study) -> None:
    bad = few_runs(study)[2].run_id
    progress, _ = launch(study, Faulty(study, lambda step: Failure("error", "bug") if step.run.run_id == bad else None))
    assert list(progress.failed) == [bad] and progress.runs_done == 3
    assert set(rows(study)["run_id"]) == {run.run_id for run in few_runs(study)} - {bad}
    _, steps = launch(study)
    assert steps == {("learn", True): 1, ("evaluate", True): 3}


def test_a_lost_step_is_tried_again(study: Study) -> None:
    losses = Counter()

    def lose(step: Step) -> Failure | None:
        losses[step] += 1
        return Failure(LOST, "node died") if losses[step] <= 2 else None

    progress, steps = launch(study, Faulty(study, lose))
    assert progress.runs_done == 4 and not progress.failed
    assert steps[("learn", False)] == 8 and len(rows(study)) == 32


def test_a_full_disk_stops_the_launch(study: Study) -> None:
    full = Faulty(study, lambda step: Failure(DISK_FULL, "No space left") if step.kind == "evaluate" else None)
    with pytest.raises(RunFailed, match=r"MiB are free under .*launch again"):
        launch(study, full)


def test_a_step_reports_what_it_raises(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(study, workers=1)
    run = few_runs(study)[2]

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("jobs.learn_step.save_weights", full)
    report = execute(study, Step("learn", run, ("timbre",)))
    assert report.failure is not None and report.failure.cause == DISK_FULL
    (attempt,) = read_attempts(Paths(study.store), run.run_id)
    assert attempt.cause == DISK_FULL and "save_weights" in attempt.traceback and not attempt.is_running
    assert read_trained(Paths(study.store), run.run_id) is None


def test_a_representation_that_is_not_finite_is_an_outcome(study: Study) -> None:
    prepare(study, workers=1)
    run = few_runs(study)[2]
    assert execute(study, Step("learn", run, ("timbre",))).failure is None
    (path,) = Paths(study.store).representations(run.run_id).glob("*.npy")
    save_representation(path, np.full_like(read_representation(path), np.nan))
    assert execute(study, Step("evaluate", run, ("timbre",))).failure is None
    assert set(rows(study)["outcome"]) == {"non-finite representation"}
    path.unlink()
    again = execute(study, Step("evaluate", run, ("timbre",)))
    assert again.failure is None, "what another launch did is done"
    assert _line(Progress(1, 1), again).endswith(" SS-R self: scored by another launch")


def test_a_representation_deleted_under_an_evaluation_by_a_launch_that_was_first(study: Study, monkeypatch) -> None:
    prepare(study, workers=1)
    run, paths = few_runs(study)[2], Paths(study.store)
    assert execute(study, Step("learn", run, ("timbre",))).failure is None
    load = evaluate_step.read_representation

    def too_late(path: Path) -> np.ndarray:
        """Between the look for a result and the representation, another launch does it all."""
        with monkeypatch.context() as patch:
            patch.setattr(evaluate_step, "read_representation", load)
            assert execute(study, Step("evaluate", run, ("timbre",))).scores
        forget_representations(study, run)
        return load(path)

    monkeypatch.setattr(evaluate_step, "read_representation", too_late)
    report = execute(study, Step("evaluate", run, ("timbre",)))
    assert report.failure is None and report.scores is None and set(rows(study)["outcome"]) == {"ok"}
    monkeypatch.setattr(evaluate_step, "read_representation", load)
    next(paths.results.glob("*/timbre-*")).unlink()
    assert execute(study, Step("evaluate", run, ("timbre",))).failure is not None, "missing, and nobody scored it"


def test_stop_after_finishes_what_has_begun(study: Study) -> None:
    progress, steps = launch(study, stop_after_s=0.0)
    assert not steps and progress.runs_done == 0
    runs = few_runs(study)
    launch(study, runs=runs[:1])
    assert len(set(rows(study)["run_id"])) == 1


def test_a_diverged_training_is_an_outcome(study: Study, small_study: Path) -> None:
    text = (small_study / "study.toml").read_text()
    (small_study / "study.toml").write_text(text.replace("learning_rate = 0.001", "learning_rate = 1e30"))
    hot = read_study(small_study)
    run = make_run(hot, "single", 0, "SS-R", ("self",))
    progress, _ = launch(hot, runs=[run])
    assert progress.runs_done == 1 and not progress.failed
    found = rows(hot)
    assert set(found["outcome"]) == {"diverged"} and found["score"].isna().all() and len(found) == 8
    _, again = launch(hot, runs=[run])
    assert not again, "an outcome is not tried again"


def test_the_same_study_gives_the_same_scores_bit_for_bit(study: Study, small_study: Path, tmp_path: Path) -> None:
    launch(study)
    other = read_study(small_study).model_copy(
        update={"header": study.header.model_copy(update={"store": tmp_path / "b"})}
    )
    launch(other)
    pd.testing.assert_frame_equal(rows(study).drop(columns=TIMES), rows(other).drop(columns=TIMES), check_exact=True)


def test_while_time_allows_further_runs_are_drawn(study: Study) -> None:
    further = iter(
        [make_run(study, "s", 0, "MS-CR@2", ("self", "tag")), make_run(study, "s", 0, "MSS-CR", ("self", "tag"))]
    )
    progress, steps = launch(study, next_run=lambda: next(further, None))
    assert progress.runs_done == progress.n_runs == 6
    assert steps == {("learn", True): 6, ("evaluate", True): 18}
    assert len(rows(study)) == 6 * 8


def test_mfcc_of_targets_whose_tracks_share_names(study: Study, small_study: Path) -> None:
    """A track id belongs to its target: the same name in another target is another sound."""
    table = pd.read_csv(small_study / "height.csv")
    table.assign(path=table["path"].iloc[::-1].to_numpy()).to_csv(small_study / "height.csv", index=False)
    prepared = prepare(study, workers=1)
    mfcc = baseline_runs(study)[0]
    execute(study, Step("learn", mfcc, ("timbre", "height")))
    timbre, height = (
        np.load(Paths(study.store).representations(mfcc.run_id) / f"{prepared.targets[name].sound}.npy")
        for name in ("timbre", "height")
    )
    np.testing.assert_array_equal(timbre, height[::-1])


def test_a_training_does_not_go_on_from_a_checkpoint_of_other_data(study: Study) -> None:
    run = few_runs(study)[2]
    stale = Paths(study.store).checkpoints(run.run_id) / "anotherfingerprint" / "step-000000000001.pt"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"what other data left")
    prepare(study, workers=1)
    report = execute(study, Step("learn", run, ("timbre",)))
    assert report.failure is None and not stale.exists()
    assert "resumed" not in Paths(study.store).log(run.run_id).read_text()


def test_a_target_keeps_its_representation_where_asked(study: Study, small_study: Path) -> None:
    path = small_study / "study.toml"
    path.write_text(
        path.read_text().replace('tracks = "height.csv"', 'tracks = "height.csv"\nkeep = ["representation"]')
    )
    kept = read_study(small_study)
    run = few_runs(kept)[2]
    launch(kept, runs=[run])
    table = pd.read_parquet(Paths(kept.store).target(run.run_id, "height") / "representation.parquet")
    assert list(table["track_id"]) == sorted(pd.read_csv(small_study / "height.csv")["track_id"])
    assert table.shape == (20, 1 + 2 * 32) and np.isfinite(table.drop(columns="track_id")).all(axis=None)
    assert not (Paths(kept.store).target(run.run_id, "timbre") / "representation.parquet").exists()


class StoppedByHand(InProcess):
    """In process, until so many steps have ended."""

    def __init__(self, study: Study, after: int) -> None:
        super().__init__(study)
        self.left = after

    def next_report(self) -> Report:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().next_report()


def test_ctrl_c_says_what_was_finished_and_resuming_counts_on(study: Study) -> None:
    with pytest.raises(Interrupted, match="stopped: 1 of 4 runs done; launch again to resume") as caught:
        launch(study, StoppedByHand(study, 7))  # one run with its three scores, another with two
    assert caught.value.exit_status == 130
    lines: list[str] = []
    prepared = prepare(study, workers=1)
    story.launch(study, prepared, few_runs(study), InProcess(study), lambda *told: lines.append(_line(*told)))
    assert re.match(r"\[1/4 runs, 5/12 scores\] [0-9a-f]{16} Random", lines[0])
    assert re.match(r"\[2/4 runs, 6/12 scores\] [0-9a-f]{16} Random", lines[1])
    assert lines[-1].startswith("[4/4 runs, 12/12 scores")
