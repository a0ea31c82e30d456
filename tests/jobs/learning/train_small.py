"""A small training for a test to kill, in a process of its own: FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import Counts, MelStore
from study.study_file import Training


def train_small(folder: Path) -> Network:
    """Trains for a second or two, with a checkpoint at every step."""
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


if __name__ == "__main__":
    train_small(Path(sys.argv[1]))
