"""What a run costs, in closed form: parameters, FLOPs, steps, GPU-hours.

Design, launch and status all need it, so it belongs to the core. `study.core.backbones` describes the layers in
numbers; `jobs/networks` builds them in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from study.core.backbone_costs import layer_costs, undeclared
from study.core.backbones import BACKBONES, backbone_named
from study.core.backbones.layers import REPRESENTATION_UNITS, scaled
from study.core.learners import ONNX
from study.core.run import Run
from study.core.sections import Training
from study.core.strategies import BUILT_IN, Strategy, strategy_named
from study.core.study_file import Study

SourceFactors = Mapping[str, int | None]
"""Source -> number of factors of its labels, in the study's order; None for `self` (pairs of crops)."""

PAIR_UNITS = 128
"""Hidden units of the Siamese head; not scaled by width."""

REFERENCE_FLOP_PER_S = 26.6e12
"""FLOP/s behind `run_cost_gpu_hours`: an H100 in bf16, compiled, trains 632 steps of the base backbone a second.

Measured for SS-R, batches of 128 crops, 42 GFLOP (benchmarks/train_gpu.py). MS-CR@2 with eight sources takes 586 steps
a second, one of which in eight has twice the crops. Narrow networks, small batches and recurrent layers get less.
"""


def representation_dim(strategy: str | Strategy, n_sources: int, width: float = 1.0, backbone: str = "base") -> int:
    """Dimensions of a run's representation: 256 * width per branch, with one branch where every layer is shared.

    The same for every backbone: each ends in an fc_feature with that many units.
    """
    network = BACKBONES[backbone]
    branches = 1 if network.shares[strategy_named(strategy).share] == len(network.layers) else n_sources
    return branches * scaled(REPRESENTATION_UNITS, width)


def n_parameters(
    strategy: str | Strategy | Mapping[str, str],
    source_factors: SourceFactors,
    channels: int = 2,
    width: float = 1.0,
    backbone: str = "base",
    n_mels: int = 128,
    objectives: Mapping[str, str] | None = None,
    crop_frames: int | None = None,
) -> int:
    """Trainable parameters: weights and biases, scale and shift of each normalisation, output layers.

    `objectives` names those of sources with another head than pairs or labels have. `n_mels` matters only to backbones
    with a layer over all bands (`k2c1`, `k1c2` and `lstm`), `crop_frames` only to those of one length. Raises
    ValueError for a backbone that declares no cost.
    """
    network = backbone_named(backbone)
    costs = network.costs((channels, crop_frames or network.minimum_crop[0], n_mels), width)
    if costs is None:
        raise ValueError(f"backbone {backbone!r} declares no cost")
    sizes, units = [cost.parameters for cost in costs], costs[-1].shape[0]
    shared = network.shares[strategy_named(strategy).share]
    heads = sum(
        _head_parameters(factors, units, (objectives or {}).get(name)) for name, factors in source_factors.items()
    )
    return sum(sizes[:shared]) + len(source_factors) * sum(sizes[shared:]) + heads


def forward_flops(
    crop_frames: int, n_mels: int, channels: int = 2, width: float = 1.0, backbone: str = "base"
) -> tuple[int, ...]:
    """Multiplications and additions for one crop in each layer of a backbone, without biases."""
    return tuple(cost.flops for cost in BACKBONES[backbone].costs((channels, crop_frames, n_mels), width) or ())


def step_flops(source_factors: SourceFactors, layers: Sequence[int], batch_size: int = 128) -> float:
    """FLOPs of a training step of one source, averaged over the sources. All strategies cost the same.

    `layers`: FLOPs of the forward pass of one crop in each layer, as in `forward_flops`.

    Counts the forward pass and the backward pass to inputs and weights, but not to the crops. `self` has two crops per
    item. Output layers are left out (under 0.1 %).
    """
    crops = [batch_size * (2 if factors is None else 1) for factors in source_factors.values()]
    return (3 * sum(layers) - layers[0]) * sum(crops) / len(crops)


def epoch_steps(n_training_tracks: int, batch_size: int, n_sources: int, iterations: str) -> int:
    """Iterations L per epoch: l batches visit every track once; L = l m ("lm", Algorithm 1) or L = l ("l")."""
    visits = math.ceil(n_training_tracks / batch_size)
    return visits * n_sources if iterations == "lm" else visits


def source_factors_of(study: Study, run: Run) -> dict[str, int | None]:
    """The run's sources, each with its number of factors as stated in the study file.

    0 if the table decides (`classes`, `ordinal`): output layers are under 0.1 % of a training's work.
    """
    sources = {name: study.sources[name] for name in run.sources}
    return {name: None if source.labels == "self" else source.stated_factors or 0 for name, source in sources.items()}


def n_slices(n_sound_frames: np.ndarray, crop_frames: int) -> np.ndarray:
    """How many non-overlapping slices of a crop's length a clip is heard in (n_clips,): all of its sound.

    The last one is padded; it is left out if less than half of it is sound, unless it is the only one.
    """
    heard: np.ndarray = np.maximum((2 * np.asarray(n_sound_frames) + crop_frames) // (2 * crop_frames), 1)
    return heard


def strategy_of(study: Study, run: Run) -> Strategy:
    """A run's strategy; the untrained network of a baseline has nothing to share."""
    return BUILT_IN["SS-R"] if run.is_baseline else study.known_strategies[run.strategy]


def run_steps(study: Study, run: Run, n_training_tracks: int) -> int:
    """Training steps of a run; a baseline has none, nor an encoder from a file. Other learners are taken to train as
    Algorithm 1 does."""
    if run.is_baseline or study.learner_function(run.factors) == ONNX:
        return 0
    training = study.training_of(run.factors)
    in_turn = training.sources_in_turn(run.n_sources)
    steps = epoch_steps(n_training_tracks, training.batch_size, in_turn, training.iterations)
    return training.epochs * steps


def run_cost_gpu_hours(study: Study, run: Run, n_training_tracks: int | None) -> float | None:
    """GPU-hours of training a run at `REFERENCE_FLOP_PER_S`; None while the number of tracks is unknown, and for a
    function.

    For an untrained network (baseline Random): one forward pass of one crop per track.
    """
    if run.is_without_network:
        return 0.0
    if n_training_tracks is None or study.run is not None:
        return None
    if run.is_baseline:
        layers = _forward_flops_of(study, study.training_of(run.factors))
        flops = None if layers is None else float(n_training_tracks * sum(layers))
    else:
        flops = training_flops(study, run, n_training_tracks)
    return None if flops is None else flops / REFERENCE_FLOP_PER_S / 3600


def training_flops(study: Study, run: Run, n_training_tracks: int, n_validation_tracks: int = 0) -> float | None:
    """FLOPs of a run's training: its steps and, per epoch, one forward pass of every source's validation tracks.

    None while the network's cost is unknown, 0 for a baseline and for an encoder from a file.
    """
    if run.is_baseline or study.learner_function(run.factors) == ONNX:
        return 0.0
    training, factors = study.training_of(run.factors), source_factors_of(study, run)
    layers = _forward_flops_of(study, training)
    if layers is None:
        return None
    crops = sum(2 if n_factors is None else 1 for n_factors in factors.values())
    filled = math.ceil(n_validation_tracks / training.batch_size) * training.batch_size
    validation = training.epochs * filled * crops * sum(layers)
    return run_steps(study, run, n_training_tracks) * _step_flops_of(study, run, training, layers) + validation


def run_work(study: Study, run: Run) -> float:
    """FLOPs of a run's training per training track: the relative cost of the runs of a study.

    The order of a plan is weighted by this, so it must not depend on data or machine. Calls of a function count alike,
    and all runs of a study with a backbone that declares no cost.
    """
    if study.run is not None or undeclared(study):
        return 1.0
    training = study.training_of(run.factors)
    layers = _forward_flops_of(study, training) or ()
    in_turn = training.sources_in_turn(run.n_sources)
    visits = training.epochs * (in_turn if training.iterations == "lm" else 1)
    return visits * _step_flops_of(study, run, training, layers) / training.batch_size


def representation_flops(study: Study, run: Run) -> float | None:
    """FLOPs to represent one crop: shared layers count once, the others once per source; None while unknown."""
    training = study.training_of(run.factors)
    shared = backbone_named(training.backbone).shares[strategy_of(study, run).share]
    layers = _forward_flops_of(study, training)
    if layers is None:
        return None
    return sum(layers[:shared]) + run.n_sources * sum(layers[shared:])


def network_name(training: Training) -> str:
    """The settings that determine how long a training step takes on a machine, for crops of one shape."""
    return (
        f"{training.backbone}, width {training.width:g}, {training.activation}, {training.optimiser}, "
        f"batches of {training.batch_size}, {training.precision}"
    )


def _step_flops_of(study: Study, run: Run, training: Training, layers: Sequence[int]) -> float:
    sources_a_step = run.n_sources // training.sources_in_turn(run.n_sources)
    return sources_a_step * step_flops(source_factors_of(study, run), layers, training.batch_size)


def _forward_flops_of(study: Study, training: Training) -> tuple[int, ...] | None:
    costs = layer_costs(study, training)
    return None if costs is None else tuple(cost.flops for cost in costs)


def _head_parameters(factors: int | None, features: int, objective: str | None = None) -> int:
    if objective == "contrastive":
        return features * features + features + features * PAIR_UNITS + PAIR_UNITS
    if factors is None:
        return (2 * features * PAIR_UNITS + PAIR_UNITS) + 2 * PAIR_UNITS + (PAIR_UNITS * 2 + 2)
    return features * factors + factors
