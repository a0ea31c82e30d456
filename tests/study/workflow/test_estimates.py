"""The estimate against records made up so that its answers are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.records import Attempt, Trained
from study.core.cost import REFERENCE_FLOP_PER_S, network_name, representation_flops, run_steps, training_flops
from study.core.durations import Slots
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.run import Run, baseline_runs, make_run
from study.core.run_works import Model, Sizes, networks_of, steps_of, training_work
from study.core.study_file import Study
from study.workflow import estimates
from study.workflow.estimates import Estimate, estimate_from, runs_on_gpu, take_in, time_left
from study.workflow.plan import design_study

WIDTHS = (0.25, 0.5, 1.0)
SIZES = Sizes(n_training=900, n_validation=100, sound_of={"genre": "x", "mood": "x"}, crops={"x": 500})


def study(store: Path = Path("nowhere"), **further: Any) -> Study:
    sections = {
        "schema": 1,
        "study": {"name": "costs", "seed": 1, "store": store},
        "corpus": {"tracks": "tracks.csv", "sample_rate_hz": 22050, "channels": 1},
        "sources": {"self": {"labels": "self"}, "year": {"labels": "gmm", "table": "year.csv"}},
        "factors": {"width": list(WIDTHS)},
        "training": {"epochs": 2},
        "targets": {
            name: {"task": "classification", "tracks": f"{name}.csv"} for name in ("genre", "mood")
        },
        "compute": {"threads": 2},
    }  # fmt: skip
    return Study.model_validate(sections | further)


def run_of(this: Study, width: float, strategy: str = "MSS-CR") -> Run:
    sources = ("year",) if strategy == "SS-R" else ("self", "year")
    return make_run(this, "all", 0, strategy, sources, {"width": width})


def trained(this: Study, run: Run, seconds: float, device: str = "cpu", attempt: str = "1") -> Trained:
    steps = run_steps(this, run, 900)
    return Trained("ok", attempt, seconds, steps, device, "float32", 1, 1, 2, "", 1, "2026-01-01T00:00:00+00:00")


def attempt(name: str, kind: str, targets: tuple[str, ...], seconds: int, **further: Any) -> Attempt:
    return Attempt(name, kind, targets, "host", 1, "2026-01-01T00:00:00+00:00",
                   f"2026-01-01T00:{seconds // 60:02d}:{seconds % 60:02d}+00:00", **further)  # fmt: skip


def estimate(this: Study, speed: float | None = 1e9, on_gpu: bool = False) -> Estimate:
    measured = {} if speed is None else {network_name(each): speed for each in networks_of(this)}
    return Estimate(Model(this, on_gpu, SIZES, measured), "a processor")


def test_before_anything_has_finished_it_is_flops_over_the_measured_speed() -> None:
    this = study()
    run = run_of(this, 0.5)
    flops = training_flops(this, run, 900, 100) + 500 * representation_flops(this, run)
    assert estimate(this).hours(run) == pytest.approx(flops / 1e9 * 2 / 3600), "two threads, so two CPU-hours an hour"
    assert estimate(this, on_gpu=True).hours(run) == pytest.approx(
        training_flops(this, run, 900, 100) / REFERENCE_FLOP_PER_S / 3600
    )
    assert estimate(this, speed=None).hours(run) is None, "the reference rate is a GPU's"


def test_validation_is_counted_as_passes_forward() -> None:
    this = study()
    run = run_of(this, 1.0)
    forward = representation_flops(this, run_of(this, 1.0, "SS-R"))
    batches = 2 * 1 * 128 * 3  # epochs, batches of 100 tracks filled up to 128, crops of `self` and `year`
    assert training_flops(this, run, 900, 100) - training_flops(this, run, 900) == pytest.approx(batches * forward)


def test_branches_are_represented_each() -> None:
    this = study()
    alone, shared, apart = (representation_flops(this, run_of(this, 1.0, of)) for of in ("SS-R", "MS-SR@FC", "MSS-CR"))
    assert alone == shared and apart == 2 * alone
    assert representation_flops(this, baseline_runs(this)[-1]) == alone


def test_finished_runs_correct_it_by_strategy_and_network() -> None:
    """Width 0.5 took thrice its model and MS-CR@2 at width 1 a tenth; a width not seen goes by both."""
    this = study()
    given = estimate(this)
    half, one = run_of(this, 0.5), run_of(this, 1.0, "MS-CR@2")
    modelled = {run: training_work(given.model, run).modelled for run in (half, one)}
    take_in(given, half, trained(this, half, 3 * modelled[half]), [])
    take_in(given, one, trained(this, one, modelled[one] / 10, attempt="2"), [])
    seconds = [given.rates.seconds(training_work(given.model, run)) for run in (half, one)]
    assert seconds == pytest.approx([3 * modelled[half], modelled[one] / 10])
    other = training_work(given.model, run_of(this, 0.5, "SS-R"))
    assert given.rates.seconds(other) == pytest.approx(3 * other.modelled), "another strategy of a network seen"
    quarter = training_work(given.model, run_of(this, 0.25))
    pooled = (3 * modelled[half] + modelled[one] / 10) / sum(modelled.values())
    assert given.rates.seconds(quarter) == pytest.approx(pooled * quarter.modelled)
    assert given.basis == "based on 2 finished trainings"


def test_representing_and_evaluating_are_learned_from_attempts_once_each() -> None:
    this = study()
    given, run = estimate(this), run_of(this, 0.5)
    record = trained(this, run, 100.0)
    attempts = [
        attempt("1", "learn", ("genre", "mood"), 130),
        attempt("2", "evaluate", ("genre",), 7),
        attempt("3", "evaluate", ("mood",), 9),
        attempt("4", "evaluate", ("mood",), 50, cause="error"),
    ]
    for _ in range(2):
        take_in(given, run, record, attempts)
    assert given.hours(run) == pytest.approx((100 + 30 + 7 + 9) * 2 / 3600)
    left = time_left(given, steps_of(given.model, run, this.targets), {}, Slots(1, 1))
    assert left is not None and left.is_complete
    assert (left.seconds, left.training_s, left.all_s) == pytest.approx((146, 100, 146))


def test_what_has_elapsed_is_taken_off_and_what_is_not_known_is_said() -> None:
    this = study()
    given, run = estimate(this), run_of(this, 0.5)
    take_in(given, run, trained(this, run, 100.0), [attempt("1", "learn", ("genre", "mood"), 130)])
    steps = steps_of(given.model, run, this.targets)
    left = time_left(given, steps, {("learn", run.run_id, ()): 50.0}, Slots(1, 1))
    assert left is not None and left.seconds == pytest.approx(80) and not left.is_complete
    represented = steps_of(given.model, run, this.targets, has_trained=True, represented={"genre", "mood"})
    assert sum(work.modelled for work in represented["learn", run.run_id, ()]) == 0
    unmeasured = estimate(this, speed=None)
    assert time_left(unmeasured, steps_of(unmeasured.model, run, this.targets), {}, Slots(1, 1)) is None
    no_tracks = Estimate(Model(this, False, Sizes(None), given.model.flop_per_s))
    assert no_tracks.hours(run) is None
    assert time_left(no_tracks, steps_of(no_tracks.model, run, this.targets), {}, Slots(1, 1)) is None


def test_what_random_spends_on_the_corpus_is_counted_as_representing() -> None:
    this = study()
    given, random = estimate(this), baseline_runs(this)[-1]
    take_in(given, random, trained(this, random, 40.0), [attempt("1", "learn", ("genre",), 60)])
    assert given.hours(random) == pytest.approx(60 * 2 / 3600)
    crops = 500 + 900
    trained_alike = given.hours(run_of(this, 1.0, "SS-R"))
    modelled = training_work(given.model, run_of(this, 1.0, "SS-R")).modelled
    assert trained_alike == pytest.approx((modelled + 60 * 500 / crops) * 2 / 3600)


def test_a_training_that_went_on_says_nothing_of_its_representing() -> None:
    this = study()
    given, run = estimate(this), run_of(this, 0.5)
    attempts = [attempt("1", "learn", ("genre",), 60, cause="lost"), attempt("2", "learn", ("genre",), 70)]
    take_in(given, run, trained(this, run, 100.0, attempt="2"), attempts)
    assert {what for _, what in given.taken_in} == {"train"}


def test_runs_of_another_device_do_not_count() -> None:
    this = study()
    given, run = estimate(this), run_of(this, 0.5)
    take_in(given, run, trained(this, run, 1.0, device="NVIDIA H200"), [])
    assert not given.taken_in


def test_where_it_is_trained_is_read_off_runs_then_the_study_file_then_the_store(tmp_path: Path) -> None:
    this = study(tmp_path)
    run = run_of(this, 0.5)
    assert runs_on_gpu(this, {}) is None
    assert runs_on_gpu(study(tmp_path, cluster={"gpus": 0}), {}) is False
    with_gpus = study(tmp_path, cluster={"gpus": 8})
    assert runs_on_gpu(with_gpus, {}) is True
    assert runs_on_gpu(with_gpus, {run: (trained(this, run, 1.0), [])}) is False
    assert runs_on_gpu(this, {run: (trained(this, run, 1.0, device="NVIDIA H200"), [])}) is True
    mfcc = baseline_runs(this)[0]
    assert runs_on_gpu(with_gpus, {mfcc: (trained(this, mfcc, 1.0), [])}) is True


def test_without_pytorch_a_budget_in_cpu_hours_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "torch_is_installed", lambda: False)
    monkeypatch.setattr("study.workflow.plan.torch_is_installed", lambda: False)
    this = study(tmp_path)
    (tmp_path / "tracks.csv").write_text("track_id\n" + "\n".join(map(str, range(1000))))
    this = this.model_copy(update={"corpus": this.corpus.model_copy(update={"tracks": tmp_path / "tracks.csv"})})
    with pytest.raises(InputFaults, match=r"PyTorch is not installed here; install it, or copy step_speed\.json"):
        design_study(this, "3cpuh")
    assert "without a GPU is unknown" in design_study(this, None)["cost_note"]
    kept = {"processor": "another", "threads": 2, "torch": "2", "crop": [1, 216, 128],
            "flop_per_s": {network_name(each): 1e9 for each in networks_of(this)}}  # fmt: skip
    Paths(tmp_path).step_speed.write_text(json.dumps(kept))
    summary = design_study(this, None)
    assert summary["cost_unit"] == "CPU-hours" and summary["cost_basis"] == "at the speed measured on another"
    given = estimate_from(this, {}, on_gpu=False)
    assert sum(summary["hours_by_phase"].values()) == pytest.approx(
        sum(given.hours(run) or 0.0 for run in estimates.planned_runs(this) if not run.is_baseline)
    )
    assert set(summary["gpu_hours_by_phase"]) == set(summary["hours_by_phase"])
