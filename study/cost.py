"""What a run costs, in closed form: parameters, FLOPs, steps, GPU-hours.

Design, launch and status all ask, so it stands on the ground: the base network declares its layers here as
numbers, and `jobs/networks` builds them in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from study.run import Run
from study.study_file import Study

SourceFactors = Mapping[str, int | None]
"""Source -> number of factors of its labels, in the study's order; None for `self` (pairs of crops)."""

MINIMUM_FRAMES = 63
MINIMUM_MELS = 32
"""Below these, five halvings (after conv1's stride of 2 on time) leave nothing for conv61."""

PAIR_UNITS = 128
"""Hidden units of the Siamese head; not scaled by width."""

REFERENCE_FLOP_PER_S = 24e12
"""FLOP/s behind `run_cost_gpu_hours`: one H200, bf16, a step (42 GFLOP, 128 crops) in 1.75 ms.

Worked out from an eager loop's launches, not measured. Narrow networks and small batches get less.
"""


@dataclass(frozen=True)
class Layer:
    """A row of Table 3: filters at width 1, a square kernel, stride on time, whether max-pool 2x2 follows."""

    name: str
    filters: int
    kernel: int
    time_stride: int = 1
    pool: bool = True


TABLE_3 = (
    Layer("conv1", 16, 5, time_stride=2),
    Layer("conv2", 32, 3),
    Layer("conv3", 64, 3),
    Layer("conv4", 64, 3),
    Layer("conv5", 128, 3),
    Layer("conv61", 256, 3, pool=False),
    Layer("conv62", 256, 1, pool=False),
    Layer("fc_feature", 256, 1, pool=False),
)
"""Kim et al. 2019, Table 3, up to the representation; fc_feature acts on the global average of conv62."""

SHARED_LAYERS = {"SS-R": 8, "MS-SR@FC": 8, "MS-CR@6": 5, "MS-CR@4": 3, "MS-CR@2": 1, "MSS-CR": 0}
"""How many layers of `TABLE_3` the sources share before they branch (Fig. 5). SS-R, with its one source,
branches nowhere; MSS-CR branches at the input: independent networks."""


def scaled(filters: int, width: float) -> int:
    """Filters or units at a width."""
    return max(1, round(filters * width))


def representation_dim(strategy: str, n_sources: int, width: float = 1.0) -> int:
    """Dimensions of a run's representation: 256 * width a branch, one branch where every layer is shared."""
    branches = 1 if SHARED_LAYERS[strategy] == len(TABLE_3) else n_sources
    return branches * scaled(TABLE_3[-1].filters, width)


def n_parameters(strategy: str, source_factors: SourceFactors, channels: int = 2, width: float = 1.0) -> int:
    """Trainable parameters: weights and biases, scale and shift of each normalisation, output layers."""
    sizes, inputs = [], channels
    for layer in TABLE_3:
        outputs = scaled(layer.filters, width)
        sizes.append(inputs * outputs * layer.kernel**2 + outputs + 2 * outputs)
        inputs = outputs
    shared = SHARED_LAYERS[strategy]
    branches = 0 if shared == len(TABLE_3) else len(source_factors)
    heads = sum(_head_parameters(factors, inputs) for factors in source_factors.values())
    return sum(sizes[:shared]) + branches * sum(sizes[shared:]) + heads


def forward_flops(crop_frames: int, n_mels: int, channels: int = 2, width: float = 1.0) -> tuple[int, ...]:
    """Multiplications and additions of each layer of `TABLE_3` for a crop, biases left out."""
    flops, inputs, frames, bands = [], channels, crop_frames, n_mels
    for layer in TABLE_3:
        outputs = scaled(layer.filters, width)
        frames = math.ceil(frames / layer.time_stride)
        if layer.name == "fc_feature":
            frames = bands = 1
        flops.append(2 * frames * bands * inputs * outputs * layer.kernel**2)
        inputs = outputs
        if layer.pool:
            frames, bands = frames // 2, bands // 2
    return tuple(flops)


def step_flops(
    strategy: str,
    source_factors: SourceFactors,
    crop_frames: int = 216,
    n_mels: int = 128,
    channels: int = 2,
    width: float = 1.0,
    batch_size: int = 128,
) -> float:
    """FLOPs of a training step, the mean over the sources; the same for all strategies: one source a step.

    Forward, and backward to inputs and weights, but not to the crops. `self` has two crops an item. Output
    layers are left out (under 0.1 %).
    """
    if strategy not in SHARED_LAYERS:
        raise ValueError(f"strategy {strategy!r} is not trained; expected one of {', '.join(SHARED_LAYERS)}")
    layers = forward_flops(crop_frames, n_mels, channels, width)
    crops = [batch_size * (2 if factors is None else 1) for factors in source_factors.values()]
    return (3 * sum(layers) - layers[0]) * sum(crops) / len(crops)


def epoch_steps(n_training_tracks: int, batch_size: int, n_sources: int, iterations: str) -> int:
    """Iterations L of an epoch: l batches visit all tracks; L = l m ("lm", Algorithm 1) or l ("l")."""
    visits = math.ceil(n_training_tracks / batch_size)
    return visits * n_sources if iterations == "lm" else visits


def source_factors_of(study: Study, run: Run) -> dict[str, int | None]:
    """The run's sources with the number of factors of each."""
    sources = {name: study.sources[name] for name in run.sources}
    return {name: None if source.labels == "self" else source.factors for name, source in sources.items()}


def run_steps(study: Study, run: Run, n_training_tracks: int) -> int:
    """Training steps of a run; a baseline has none."""
    if run.is_baseline:
        return 0
    training = study.training_of(run.factors)
    steps = epoch_steps(n_training_tracks, training.batch_size, run.n_sources, training.iterations)
    return training.epochs * steps


def run_cost_gpu_hours(study: Study, run: Run, n_training_tracks: int | None) -> float | None:
    """GPU-hours of training a run at `REFERENCE_FLOP_PER_S`; None while the number of tracks is unknown."""
    if run.is_baseline:
        return 0.0
    if n_training_tracks is None:
        return None
    return _reference_hours(study, run, run_steps(study, run, n_training_tracks))


def measured_over_modelled(study: Study, timed: Iterable[tuple[Run, int, float]]) -> tuple[dict[str, float], float]:
    """GPU time that trainings took, as a multiple of the reference's: by strategy, and over all (1 for none).

    `timed` has runs with their training steps and GPU-hours.
    """
    hours: dict[str, float] = {}
    reference: dict[str, float] = {}
    for run, steps, took in timed:
        hours[run.strategy] = hours.get(run.strategy, 0.0) + took
        reference[run.strategy] = reference.get(run.strategy, 0.0) + _reference_hours(study, run, steps)
    ratios = {strategy: hours[strategy] / reference[strategy] for strategy in hours if reference[strategy]}
    return ratios, sum(hours.values()) / sum(reference.values()) if ratios else 1.0


def _reference_hours(study: Study, run: Run, steps: int) -> float:
    training = study.training_of(run.factors)
    flops = step_flops(
        run.strategy,
        source_factors_of(study, run),
        study.crop_frames,
        study.mel.n_mels,
        study.corpus.channels,
        training.width,
        training.batch_size,
    )
    return steps * flops / REFERENCE_FLOP_PER_S / 3600


def _head_parameters(factors: int | None, features: int) -> int:
    if factors is None:
        return (2 * features * PAIR_UNITS + PAIR_UNITS) + 2 * PAIR_UNITS + (PAIR_UNITS * 2 + 2)
    return features * factors + factors
