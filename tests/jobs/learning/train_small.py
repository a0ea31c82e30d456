"""A small training in a process that is killed ten times, each time taken up by another: FOLDER."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch._dynamo  # noqa: F401  an optimiser does, which takes seconds: once here, not in each process

from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import Counts, MelStore
from study.core.sections import Training


def train_small(folder: Path) -> Network:
    """Trains for two seconds or so, with a checkpoint at every step."""
    lengths = np.full(8, 70)
    codes = np.random.default_rng(0).integers(0, 256, (560, 1, 32), dtype=np.uint8)
    names = np.array([f"track-{i}" for i in range(8)], dtype=object)
    peaks = np.zeros(8, dtype=np.float32)
    network = build_network("MS-CR@4", {"self": None, "tag": 4}, 1, 32, 0.1, seed=np.random.SeedSequence(1))
    train(
        network,
        store=MelStore(folder, names, np.arange(8) * 70, lengths, lengths, peaks, names, codes, Counts()),
        statistics=(np.full(32, -40.0), np.full(32, 20.0)),
        crop_frames=63,
        labels={"tag": np.random.default_rng(1).dirichlet(np.ones(4), 8)},
        training_tracks=np.arange(8),
        validation_tracks=np.arange(0),
        settings=Training(epochs=10, batch_size=2, checkpoint_minutes=1e-9),
        run_id="ab" * 8,
        device="cpu",
        threads=1,
        checkpoint_folder=folder / "checkpoints",
        log_path=folder / "log.jsonl",
    )
    return network


def train_and_kill(folder: Path, moments: np.random.Generator) -> None:
    """Train in another process, and kill it once it has learned a little, whatever it is then doing."""
    process = os.fork()
    if not process:
        train_small(folder)
        os._exit(0)
    first = newest(folder)
    while newest(folder) < first + moments.integers(1, 4) and os.waitpid(process, os.WNOHANG) == (0, 0):
        time.sleep(0.003)
    time.sleep(moments.uniform(0, 0.03))
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def newest(folder: Path) -> int:
    return max((int(path.stem[5:]) for path in (folder / "checkpoints").glob("step-*.pt")), default=0)


if __name__ == "__main__":
    for kill in range(10):
        train_and_kill(Path(sys.argv[1]), np.random.default_rng(kill))
