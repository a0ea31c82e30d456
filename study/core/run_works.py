"""A run as pieces of work (training, representing, fine-tuning, evaluating), each with its modelled cost.

Trainings and representations are modelled as FLOPs over a speed, evaluations as equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from study.core.backbones import BACKBONES
from study.core.cost import (
    REFERENCE_FLOP_PER_S,
    network_name,
    representation_dim,
    representation_flops,
    strategy_of,
    training_flops,
)
from study.core.durations import Work
from study.core.evaluations import network_transfers
from study.core.learners import BASE, ONNX
from study.core.run import Run
from study.core.sections import Training
from study.core.study_file import Study

Step = tuple[str, str, tuple[str, ...]]
"""A step by its kind, its run's id and its targets (none for `WHOLE`, which are one step for all of them)."""
WHOLE = ("call", "learn")
TRAIN = "train"
"""The first element of a training's kinds."""
COSTLY_FACTORS = (
    "epochs",
    "iterations",
    "batch_size",
    "width",
    "backbone",
    "activation",
    "optimiser",
    "precision",
    "schedule",
    "patience",
)
"""Factors that change the cost of a training."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of tracks to learn from and crops to represent. Crops and sounds are known once targets are prepared."""

    n_training: int | None
    n_validation: int = 0
    sound_of: Mapping[str, str] = field(default_factory=dict)
    """Target -> the key of its sound. Targets that share it are represented once."""
    crops: Mapping[str, int] = field(default_factory=dict)
    """Key of a sound -> its number of crops."""


@dataclass(frozen=True)
class Model:
    """What determines the modelled seconds of a study's work.

    `flop_per_s`, by `network_name`, was measured on a CPU. If it is empty, the reference rate of a GPU is used, and on
    a CPU the model gives proportions only.
    """

    study: Study
    on_gpu: bool
    sizes: Sizes
    flop_per_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def in_seconds(self) -> bool:
        return self.on_gpu or bool(self.flop_per_s)

    def speed(self, network: str) -> float:
        """FLOP/s of a network; for one that was not measured, the harmonic mean of those that were."""
        if self.on_gpu or not self.flop_per_s:
            return REFERENCE_FLOP_PER_S
        mean = len(self.flop_per_s) / sum(1 / each for each in self.flop_per_s.values())
        return self.flop_per_s.get(network, mean)


def networks_of(study: Study) -> list[Training]:
    """The settings of every network that the study's factors can make, in the order of the file; of a range, those of
    its ends."""
    levels = {
        name: (values[0], values[-1]) if values.is_range else values
        for name, values in study.further_factors.items()
        if name in COSTLY_FACTORS
    }
    every = (study.training_of(dict(zip(levels, each, strict=True))) for each in itertools.product(*levels.values()))
    return list({network_name(training): training for training in every}.values())


def training_work(model: Model, run: Run) -> Work:
    """Training the run; its time is unknown while the number of tracks is, and 0 for a baseline. Calls of a function
    are taken to cost the same, and so are trainings by a learner of a user's own."""
    if model.study.run is not None:
        return Work(((TRAIN,),), 1.0)
    if run.is_baseline or model.study.learner_function(run.factors) == ONNX:
        return Work((), 0.0, True)
    if (learner := _learner(model, run)) != BASE:
        return Work(((TRAIN, learner),), 1.0)
    network = network_name(model.study.training_of(run.factors))
    if model.sizes.n_training is None:
        return Work(_kinds(TRAIN, run, network), 1.0)
    flops = training_flops(model.study, run, model.sizes.n_training, model.sizes.n_validation)
    if flops is None:
        return Work(_kinds(TRAIN, run, network), 1.0)
    return Work(_kinds(TRAIN, run, network), flops / model.speed(network), model.in_seconds)


def representing_work(model: Model, run: Run, targets: Iterable[str]) -> Work:
    """Representing the sound of targets. The baseline Random also passes the corpus through its network once."""
    sizes = model.sizes
    crops = sum(sizes.crops.get(key, 0) for key in {sizes.sound_of.get(name) for name in targets} if key is not None)
    if run.is_without_network or _learner(model, run) != BASE:
        return Work((("represent", run.strategy if run.is_baseline else _learner(model, run)),), float(crops))
    crops += (sizes.n_training or 0) if run.is_baseline else 0
    network = network_name(model.study.training_of(run.factors))
    flops = representation_flops(model.study, run)
    if flops is None:
        return Work(_kinds("represent", run, network), float(crops))
    return Work(_kinds("represent", run, network), crops * flops / model.speed(network), model.in_seconds)


def target_work(model: Model, kind: str, run: Run, target: str) -> Work:
    """Fine-tuning a run for a target, or evaluating it there. Networks or representations of one size cost the same."""
    training = model.study.training_of(run.factors)
    if kind == "fine-tune":
        return Work(((kind, target, network_name(training)), (kind, target)), 1.0)
    if (learner := _learner(model, run)) != BASE:
        return Work(((kind, target, learner), (kind, target)), 1.0)
    size: int | str = 0
    if training.backbone not in BACKBONES:
        size = training.backbone
    elif not run.is_without_network:
        size = representation_dim(strategy_of(model.study, run), run.n_sources, training.width, training.backbone)
    return Work(((kind, target, size), (kind, target)), 1.0)


def steps_of(
    model: Model, run: Run, targets: Iterable[str], has_trained: bool = False, represented: Container[str] = ()
) -> dict[Step, list[Work]]:
    """The steps that a run needs for these targets, each with its pieces of work.

    `has_trained`: the run's training is done; `represented`: targets whose sound is already represented.
    """
    targets = tuple(targets)
    if not targets:
        return {}
    if model.study.run is not None:
        return {("call", run.run_id, ()): [training_work(model, run)]}
    training = [] if has_trained else [training_work(model, run)]
    representing = representing_work(model, run, [name for name in targets if name not in represented])
    steps: dict[Step, list[Work]] = {("learn", run.run_id, ()): [*training, representing]}
    for name in targets:
        if network_transfers(model.study, run, name):
            steps["fine-tune", run.run_id, (name,)] = [target_work(model, "fine-tune", run, name)]
        steps["evaluate", run.run_id, (name,)] = [target_work(model, "evaluate", run, name)]
    return steps


def _learner(model: Model, run: Run) -> str:
    """The learner of a run; a baseline has none, and counts as the base."""
    return BASE if run.is_baseline else model.study.training_of(run.factors).learner


def _kinds(what: str, run: Run, network: str) -> tuple[tuple[str, ...], ...]:
    return (what, run.strategy, network), (what, "", network), (what,)
