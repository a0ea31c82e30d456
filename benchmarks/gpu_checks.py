"""Is training on this device right? Losses and gradients against the CPU, compiled against eager, and resuming.

Each check yields (what, figure, limit): a relative difference and the most that it may be.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.gpu_trainings import (
    CHANNELS,
    CROP_FRAMES,
    N_MELS,
    STATISTICS,
    Size,
    labels_of,
    losses_logged,
    network_of,
    no_store,
    run_training,
)
from jobs.learning.batches import crop_reader, pair_labels
from jobs.learning.precision import Arithmetic, use_float32
from jobs.learning.tasks import item_losses, source_tasks
from jobs.networks.branching import Network

Check = tuple[str, float, float]
CHECKED_CROPS, CHECKED_STEPS = 32, 10
FLOAT32, DROPOUT = 2e-3, 0.2
"""Limits of relative differences between trainings in float32, and of losses where dropout was drawn elsewhere."""
TIMES, LEAST = 3, 1e-5
"""A loss or gradient may be this many times as far from float64 as the CPU's in the same precision, and this."""
FLOAT32_EAGER, FLOAT32_COMPILED = Arithmetic("float32"), Arithmetic("float32", compiled=True)


def checks(size: Size) -> Iterator[Check]:
    """All checks, the cheapest first."""
    yield from against_the_cpu(size)
    yield from resumed(size)
    if any(way.compiled for way in size.ways):
        yield from compiled_against_eager(size)


def against_the_cpu(size: Size) -> Iterator[Check]:
    """Loss and gradients of one batch without dropout, for sources with labels and for `self`.

    The reference is in float64. A rounding error that turns a maximum of max-pool or the sign before a ReLU moves a
    gradient to another weight, so that limits are what the same precision costs on a CPU.
    """
    for strategy, source in (("SS-R", "source1"), ("MS-CR@2", "self"), ("MS-CR@2", "source1")):
        exact = loss_and_gradients(size, strategy, source, "cpu", "float64")
        for precision in ("float32", "bf16"):
            of_cpu, found = (
                loss_and_gradients(size, strategy, source, device, precision) for device in ("cpu", size.device)
            )
            for part, *values in zip(("loss", "gradients"), found, of_cpu, exact, strict=True):
                value, limit = (difference(each, values[2]) for each in values[:2])
                yield (
                    f"{strategy}, {source}, {precision}: {part}, and float64 on the CPU,",
                    value,
                    TIMES * limit + LEAST,
                )


def loss_and_gradients(
    size: Size, strategy: str, source: str, device: str, precision: str
) -> tuple[np.ndarray, np.ndarray]:
    """The mean loss, (1,), and all gradients of a training step in a row, those of unused branches left out."""
    network = without_dropout(network_of(size, strategy)).to(device).train()
    n = min(size.batch_size, CHECKED_CROPS)
    on, tracks = torch.device(device), np.arange(n)
    [task] = (
        task for task in source_tasks(network, labels_of(size, strategy), tracks, tracks, on) if task.name == source
    )
    pairs = task.labels is None
    generator = np.random.default_rng(2)
    codes = generator.integers(0, 256, (n * (1 + pairs), CROP_FRAMES, CHANNELS, N_MELS), dtype=np.uint8)
    # crops of unlike loudness, with more of it in low bands: in a batch of equal noise BN leaves rounding errors alone
    codes = (codes * np.linspace(1, 0.2, N_MELS) * generator.uniform(0.3, 1, (len(codes), 1, 1, 1))).astype(np.uint8)
    inputs = torch.from_numpy(codes).to(on), torch.zeros(len(codes), device=on)
    wanted = pair_labels(n, on) if task.labels is None else task.labels[:n]
    reader = crop_reader(no_store(), STATISTICS, CROP_FRAMES, on)
    with use_float32(precision):
        if precision == "float64":
            features = network.double().trunk(reader.standardised(*inputs).double())
            features = features if task.branch is None else task.branch(features)
            losses = task.objective.loss(task.head(features), wanted if pairs else wanted.double())
        else:
            losses = item_losses(network, reader, task, *inputs, wanted, precision)
        losses.mean().backward()
    gradients = [parameter.grad.flatten().cpu() for parameter in network.parameters() if parameter.grad is not None]
    return losses.detach().mean().cpu().numpy().reshape(1), torch.cat(gradients).numpy()


def resumed(size: Size) -> Iterator[Check]:
    """Trained to the end, and stopped half-way and resumed from the checkpoint: on this device, and on a CPU."""
    small = replace(size, clips=16, clip_frames=260, batch_size=8, width=min(size.width, 0.25), steps=5)
    with tempfile.TemporaryDirectory() as name:
        for device, limit in ((size.device, FLOAT32), ("cpu", FLOAT32)):
            whole, parts = Path(name) / f"whole-{device}.jsonl", Path(name) / f"parts-{device}.jsonl"
            end = run_training(small, "MS-CR@2", FLOAT32_EAGER, 4, whole)
            run_training(small, "MS-CR@2", FLOAT32_EAGER, 2, parts, checkpoint_minutes=1e-9)
            there = replace(small, device=device)
            other = run_training(there, "MS-CR@2", FLOAT32_EAGER, 4, parts)
            # dropout is drawn by the device, so that trainings on two devices part from here on
            compared = losses_logged(whole), losses_logged(parts)
            if device == size.device:
                yield f"resumed on {device}: losses", difference(*compared), limit
                yield f"resumed on {device}: weights", difference(_weights(other), _weights(end)), limit
            else:
                yield f"resumed on a {device}: losses, with other dropout,", difference(*compared), DROPOUT


def compiled_against_eager(size: Size) -> Iterator[Check]:
    """Losses of the first steps, one an epoch, with the random numbers of eager PyTorch."""
    import torch._inductor.config as inductor

    few = replace(size, clips=64, clip_frames=260, steps=1)
    with tempfile.TemporaryDirectory() as name, inductor.patch(fallback_random=True):
        losses = []
        for way in (FLOAT32_EAGER, FLOAT32_COMPILED):
            log = Path(name) / f"{way.compiled}.jsonl"
            run_training(few, "SS-R", way, CHECKED_STEPS, log)
            losses.append(losses_logged(log))
        yield (
            f"SS-R, float32: losses of {CHECKED_STEPS} compiled steps against eager ones",
            difference(*losses),
            FLOAT32,
        )


def difference(value: np.ndarray, reference: np.ndarray) -> float:
    """Euclidean norm of the difference over that of the reference."""
    value, reference = (np.asarray(each, dtype=np.float64) for each in (value, reference))
    return float(np.linalg.norm(value - reference) / np.linalg.norm(reference))


def without_dropout(network: Network) -> Network:
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


def _weights(network: Network) -> np.ndarray:
    return torch.cat([parameter.detach().flatten().cpu() for parameter in network.parameters()]).numpy()
