"""Trainings on noise for `train_gpu.py` and `gpu_checks.py`: sizes, networks, and `train` called as a run does."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jobs.learning.precision import Arithmetic
from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import Counts, MelStore
from study.core.sections import Training

N_MELS, CHANNELS, CROP_FRAMES, FACTORS = 128, 2, 216, 50
SOURCES: dict[str, int | None] = {"self": None} | {f"source{i}": FACTORS for i in range(1, 8)}
STRATEGIES: dict[str, dict[str, int | None]] = {"SS-R": {"source1": FACTORS}, "MS-CR@2": SOURCES}
STATISTICS = np.full(N_MELS, -40.0), np.full(N_MELS, 20.0)


@dataclass(frozen=True)
class Size:
    """What is measured: clips in the store, steps an epoch, and the seconds that trainings together are watched."""

    device: str
    clips: int
    clip_frames: int
    batch_size: int
    width: float
    steps: int
    shares: tuple[int, ...]
    shared_s: float
    ways: tuple[Arithmetic, ...]


EAGER = Arithmetic("bf16"), Arithmetic("float32")
FULL = Size("cuda", 2000, 2584, 128, 1.0, 300, (2, 4, 8), 6, (replace(EAGER[0], compiled=True), *EAGER))
QUICK = Size("cpu", 16, 260, 4, 0.1, 1, (2,), 1, EAGER)


def run_training(
    size: Size,
    strategy: str,
    arithmetic: Arithmetic,
    epochs: int,
    log: Path,
    gpu_share: float = 1.0,
    checkpoint_minutes: float = 10,
) -> Network:
    """The network of one training of `size`, which logs to `log` and keeps its checkpoints beside it."""
    codes = np.random.default_rng(0).integers(0, 256, (size.clips * size.clip_frames, CHANNELS, N_MELS), dtype=np.uint8)
    lengths, peaks = np.full(size.clips, size.clip_frames), np.zeros(size.clips, dtype=np.float32)
    names = np.arange(size.clips).astype(str).astype(object)
    firsts = np.cumsum(lengths) - lengths
    store = MelStore(Path("memory"), names, firsts, lengths, lengths, peaks, names, codes, Counts())
    settings = Training(
        epochs=epochs, iterations="l", batch_size=size.batch_size, width=size.width,
        checkpoint_minutes=checkpoint_minutes,
    )  # fmt: skip
    network = network_of(size, strategy)
    train(
        network, store=store, statistics=STATISTICS, crop_frames=CROP_FRAMES, labels=labels_of(size, strategy),
        training_tracks=np.resize(np.arange(size.clips), size.steps * size.batch_size),
        validation_tracks=np.arange(0), run_id="0" * 16, device=size.device, threads=1, settings=settings,
        checkpoint_folder=log.with_suffix(".checkpoints"), log_path=log, arithmetic=arithmetic, gpu_share=gpu_share,
    )  # fmt: skip
    return network


def network_of(size: Size, strategy: str) -> Network:
    return build_network(strategy, STRATEGIES[strategy], width=size.width, seed=np.random.SeedSequence(0))


def labels_of(size: Size, strategy: str) -> dict[str, np.ndarray]:
    generator, n = np.random.default_rng(1), max(size.clips, size.batch_size)
    sources = (name for name, factors in STRATEGIES[strategy].items() if factors is not None)
    return {name: generator.dirichlet(np.ones(FACTORS), n) for name in sources}


def no_store() -> MelStore:
    """A store without clips, for what reads none."""
    nothing = np.zeros(0, dtype=np.int64)
    frames = np.zeros((0, CHANNELS, N_MELS), dtype=np.uint8)
    return MelStore(Path("memory"), nothing, nothing, nothing, nothing, nothing, nothing, frames, Counts())


def epochs_logged(log: Path) -> list[dict[str, Any]]:
    """The log's lines of whole epochs, so far."""
    lines = log.read_text().split("\n")[:-1] if log.is_file() else []  # without one that is being written
    return [entry for entry in map(json.loads, lines) if entry["event"] == "epoch"]


def losses_logged(log: Path) -> np.ndarray:
    """The mean loss of each epoch over the sources that it had."""
    losses = ([loss for loss in entry["loss"].values() if loss is not None] for entry in epochs_logged(log))
    return np.array([math.fsum(loss) / len(loss) for loss in losses])
