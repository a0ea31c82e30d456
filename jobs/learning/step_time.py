"""The training speed of a network on this machine, from a few timed steps on noise."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from jobs.learning.batches import crop_reader
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.tasks import item_losses, source_tasks, training_batches
from jobs.networks.branching import build_network
from jobs.networks.stages import measured_costs
from jobs.sound.mel_store import Counts, MelStore
from study.core.backbones import backbone_named
from study.core.cost import step_flops
from study.core.sections import Training

FACTORS = 50
MOST_FLOP = 4e9
"""The most FLOPs in a timed step; a larger batch is cut to this, since time is proportional to FLOPs there."""
WARM_UP, LEAST, MOST = 2, 3, 20
"""Steps before the timed ones, and the fewest and most timed steps."""
ENOUGH_S = 0.2
"""Processor time to measure, which a busy machine does not stretch."""


def training_flop_per_s(settings: Training, crop: tuple[int, int, int]) -> float:
    """FLOP/s of a training step on this CPU, with PyTorch's present number of threads; the first quartile of a few
    steps, which other programs disturb least.

    `crop` is (channels, frames, bands). Always in float32 and not compiled.
    """
    channels, frames, bands = crop
    factors = {"noise": FACTORS}
    network_of = backbone_named(settings.backbone)
    costs = network_of.costs(crop, settings.width) or measured_costs(network_of, crop, settings.width)
    layers = [cost.flops for cost in costs]

    def flops(batch_size: int) -> float:
        return step_flops(factors, layers, batch_size)

    batch_size = max(2, min(settings.batch_size, int(MOST_FLOP / flops(1))))
    seed = np.random.SeedSequence(0)
    generator = np.random.default_rng(seed)
    store = _noise(generator, batch_size, crop)
    labels = generator.dirichlet(np.ones(FACTORS), batch_size).astype(np.float32)
    tracks = np.arange(batch_size)
    seconds: list[float] = []
    with torch.random.fork_rng(devices=[]):
        network = build_network(
            "SS-R",
            factors,
            channels,
            bands,
            settings.width,
            settings.backbone,
            settings.activation,
            crop_frames=frames,
            seed=seed,
        ).train()
        optimiser = OPTIMISERS[settings.optimiser](list(network.parameters()), settings.learning_rate, settings.l2)
        device = torch.device("cpu")
        reader = crop_reader(store, (np.zeros(bands), np.ones(bands)), frames, device)
        tasks = source_tasks(network, {"noise": labels}, tracks, tracks, device)
        batches = training_batches(generator, reader, tasks, batch_size)
        started = time.process_time()
        while len(seconds) < WARM_UP + LEAST or (
            len(seconds) < WARM_UP + MOST and time.process_time() - started < ENOUGH_S
        ):
            began = time.perf_counter()
            batch = next(batches)
            crops = batch.codes, batch.peak_db
            item_losses(network, reader, tasks[0], *crops, batch.wanted, "float32").mean().backward()
            optimiser.step()
            optimiser.zero_grad()
            seconds.append(time.perf_counter() - began)
    return flops(batch_size) / float(np.quantile(seconds[WARM_UP:], 0.25))


def _noise(generator: np.random.Generator, n: int, crop: tuple[int, int, int]) -> MelStore:
    """A store in memory: `n` clips of noise, each as long as a crop."""
    channels, frames, bands = crop
    names = np.array([str(number) for number in range(n)], dtype=object)
    lengths = np.full(n, frames)
    return MelStore(
        folder=Path(),
        track_ids=names,
        first_frame=np.arange(n) * frames,
        n_frames=lengths,
        n_sound_frames=lengths,
        peak_db=np.zeros(n, dtype=np.float32),
        content_hash=names,
        counts=Counts(),
        frames=generator.integers(0, 256, (n * frames, channels, bands), dtype=np.uint8),
    )
