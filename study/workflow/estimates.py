"""The cost and duration of runs: one estimate for design, check, launch and status.

Steps x FLOPs of the network in closed form, at a speed measured here or at the reference rate of a GPU, corrected by
every finished step of the study. The duration of probes is known only from finished ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from study.core.cost import n_slices, run_cost_gpu_hours, run_steps
from study.core.durations import Left, Rates, Slots, Unit, Work, slots_of, time_to_go_s
from study.core.errors import InputFaults
from study.core.learners import BASE
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.run import Run, baseline_runs
from study.core.run_works import (
    TRAIN,
    Model,
    Sizes,
    Step,
    networks_of,
    representing_work,
    steps_of,
    target_work,
    training_work,
)
from study.core.study_file import Study

if TYPE_CHECKING:
    from jobs.records import Attempt, Trained

UNTIMED = "evaluations not timed yet are left out"
UNMEASURED = "the speed of this CPU has not been measured, since PyTorch is not installed here"

Records = Mapping[Run, "tuple[Trained | None, list[Attempt]]"]
"""What runs have written so far, in the order of the plan, baselines first."""


@dataclass(frozen=True)
class Estimate:
    """The model of a study's work on one kind of device, corrected by its finished steps."""

    model: Model
    processor: str = ""
    """Where the model's speed was measured."""
    rates: Rates = field(default_factory=Rates)
    taken_in: set[tuple[str, str]] = field(default_factory=set)
    """The pieces in `rates`, each as its attempt and "train", "represent" or a target."""

    @property
    def unit(self) -> Unit:
        return "GPU-hours" if self.model.on_gpu else "CPU-hours"

    @property
    def basis(self) -> str:
        """The source of the hours, in words that follow the number."""
        n_trained = sum(what == TRAIN for _, what in self.taken_in)
        if n_trained:
            return f"based on {n_trained} finished trainings"
        return f"at the speed measured on {self.processor}" if self.processor else "at the reference rate"

    def has_timed(self, targets: Iterable[str]) -> bool:
        """Whether an evaluation on each of the targets has finished."""
        return all(("evaluate", target) in self.rates for target in targets)

    def hours(self, run: Run) -> float | None:
        """GPU-hours of a run's training; or CPU-hours of all its steps, as far as their time is known.

        None while the training's time is unknown.
        """
        study, train_s = self.model.study, self.rates.seconds(training_work(self.model, run))
        if train_s is None:
            return None
        if self.model.on_gpu:
            if run.is_baseline:
                return run_cost_gpu_hours(study, run, self.model.sizes.n_training)
            return train_s * study.cluster.gpu_share / 3600
        works = (work for step in steps_of(self.model, run, study.targets).values() for work in step)
        return sum(self.rates.seconds(work) or 0.0 for work in works) * study.compute.threads / 3600


def planned_runs(study: Study) -> list[Run]:
    """Baselines, then the plan; the baselines alone if there is no plan of this study file."""
    try:
        return baseline_runs(study) + read_plan(Paths(study.store).plan, study)
    except InputFaults:
        return baseline_runs(study)


def read_records(study: Study, runs: Iterable[Run]) -> Records:
    from jobs.records import known_training, read_attempts

    paths = Paths(study.store)
    return {run: (known_training(paths, run.run_id), read_attempts(paths, run.run_id)) for run in runs}


def runs_on_gpu(study: Study, records: Records, may_look: bool = False) -> bool | None:
    """Whether the study is trained on GPUs, by its runs so far, else by `[cluster] gpus`, else by what was measured.

    With `may_look`, else by what PyTorch sees on this machine. None if all are unknown.
    """
    from jobs.step_speed import read_step_speed

    on_gpu = [trained.device != "cpu" for run, (trained, _) in records.items() if trained and not run.is_baseline]
    if on_gpu or study.cluster.gpus is not None:
        return any(on_gpu) if on_gpu else bool(study.cluster.gpus)
    if read_step_speed(study) is not None:
        return False
    if may_look and torch_is_installed():
        import torch

        return torch.cuda.is_available()
    return None


def estimate_from(study: Study, records: Records, on_gpu: bool, may_measure: bool = False) -> Estimate:
    """The estimate from these records. With `may_measure`, a CPU's speed is measured if it is still unknown.

    Measuring needs PyTorch. Without it, a speed that was measured elsewhere is used if the store has one.
    """
    from jobs.step_speed import measured_step_speed, read_step_speed

    speed = None
    if not on_gpu and study.run is None:
        measures = may_measure and torch_is_installed()
        speed = measured_step_speed(study, networks_of(study)) if measures else read_step_speed(study)
    model = Model(study, on_gpu, _sizes(study), speed.flop_per_s if speed else {})
    estimate = Estimate(model, speed.processor if speed else "")
    for run, (trained, attempts) in records.items():
        take_in(estimate, run, trained, attempts)
    return estimate


def torch_is_installed() -> bool:
    return find_spec("torch") is not None


def take_in(estimate: Estimate, run: Run, trained: Trained | None, attempts: Iterable[Attempt]) -> None:
    """Correct the estimate by the finished pieces of a run, each once."""
    for name, work, seconds in _finished(estimate.model, run, trained, list(attempts)):
        if name not in estimate.taken_in:
            estimate.taken_in.add(name)
            estimate.rates.add(work, seconds)


def steps_left(model: Model, run: Run, targets: Iterable[str], has_trained: bool) -> dict[Step, list[Work]]:
    """The steps that a run still needs for these targets; representations on disk are not repeated."""
    folder = Paths(model.study.store).representations(run.run_id)
    targets = tuple(targets)
    represented = {name for name in targets if (folder / f"{model.sizes.sound_of.get(name)}.npy").is_file()}
    return steps_of(model, run, targets, has_trained, represented)


@dataclass(frozen=True)
class TimeLeft:
    """Seconds to go, and the seconds of the remaining steps: of training (without representing), and of all.

    `is_complete` is false if some steps' time is still unknown and therefore left out.
    """

    seconds: float
    training_s: float
    all_s: float
    is_complete: bool


def time_left(
    estimate: Estimate, steps: Mapping[Step, Iterable[Work]], elapsed_s: Mapping[Step, float], slots: Slots
) -> TimeLeft | None:
    """How long these steps still take, less the time elapsed; None while a training's time is unknown."""
    left, training_s, is_complete = [], 0.0, True
    for step, works in steps.items():
        rest = -elapsed_s.get(step, 0.0)
        for work in works:
            seconds = estimate.rates.seconds(work)
            if seconds is None:
                if work.kinds[0][0] == TRAIN:
                    return None
                is_complete = False
            rest += seconds or 0.0
            training_s += (seconds or 0.0) * (work.kinds != () and work.kinds[0][0] == TRAIN)
        left.append(Left(step[1], step[0] != "evaluate", max(rest, 0.0)))
    return TimeLeft(time_to_go_s(left, slots), training_s, sum(step.seconds for step in left), is_complete)


def slots_here(study: Study) -> Slots:
    """Steps at a time on the GPUs stated in the study file and on this machine's CPUs."""
    return slots_of(os.cpu_count() or 1, study.cluster.gpus or 0, study.compute.threads, study.cluster.gpu_share)


def _finished(
    model: Model, run: Run, trained: Trained | None, attempts: list[Attempt]
) -> Iterator[tuple[tuple[str, str], Work, float]]:
    """The finished pieces of a run: a name, the work, and the seconds it took on the model's device."""
    if model.study.run is not None:
        if trained is not None:
            yield (trained.attempt, TRAIN), training_work(model, run), trained.train_seconds
        return
    here = trained is not None and (run.is_without_network or (trained.device != "cpu") == model.on_gpu)
    by_base = trained is not None and trained.learner == BASE  # what others count as a step is not known
    if trained is not None and here and by_base and model.sizes.n_training and not run.is_baseline:
        work = training_work(model, run)
        share = trained.train_steps / run_steps(model.study, run, model.sizes.n_training)  # less where it diverged
        yield (trained.attempt, TRAIN), Work(work.kinds, work.modelled * share), trained.train_seconds
    first = next((attempt.attempt for attempt in attempts if attempt.kind == "learn"), None)
    for attempt in attempts:
        seconds = attempt.seconds
        if seconds is None or attempt.cause is not None or trained is None or trained.outcome != "ok":
            continue
        if attempt.kind != "learn":
            for target in attempt.targets:
                yield (attempt.attempt, target), target_work(model, attempt.kind, run, target), seconds
        elif here:
            trains = trained.attempt == attempt.attempt
            if trains and attempt.attempt != first:
                continue  # it resumed from a checkpoint: its training includes seconds of earlier attempts
            if trains and not run.is_baseline:  # Random's pass over the corpus counts as representing
                seconds = max(seconds - trained.train_seconds, 0.0)
            yield (attempt.attempt, "represent"), representing_work(model, run, attempt.targets), seconds


def _sizes(study: Study) -> Sizes:
    """Sizes as prepared; else as listed, without the validation part; unknown if there is no table yet."""
    from jobs.prepared_data import read_prepared, sound_folder

    if study.run is not None:
        return Sizes(None)
    try:
        prepared = read_prepared(study)
    except InputFaults:
        return _listed_sizes(study)
    sound_of = {name: prepared.targets[name].sound for name in study.targets if name in prepared.targets}
    crops = {}
    for key in set(sound_of.values()):
        index = sound_folder(study, key) / "index.parquet"
        if index.is_file():
            frames = pq.read_table(index, columns=["n_sound_frames"]).column("n_sound_frames").to_numpy()
            crops[key] = int(n_slices(frames, study.crop_frames).sum())
    return Sizes(prepared.n_training, prepared.n_validation, sound_of, crops)


def _listed_sizes(study: Study) -> Sizes:
    if not study.corpus.tracks.is_file():
        return Sizes(None)
    from jobs.labels.tables import read_columns

    listed = len(read_columns(study.corpus.tracks, ("track_id",)))
    n_training = round(listed * (1 - study.corpus.validation))
    return Sizes(n_training, listed - n_training)
