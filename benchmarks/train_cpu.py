"""Training on a CPU, steps a second: our loop against a loop on ready batches, and one fed by a DataLoader.

    python benchmarks/train_cpu.py                        width 0.25, batches of 32; then width 1, batches of 128
    python benchmarks/train_cpu.py --width 0.5 --batch-size 64 --threads 2 --rounds 5

SS-R with 50 factors in float32 on crops of 2 x 216 x 128, from 256 clips of 5 s in memory. The three loops take turns,
so that what else the machine does meets all of them; the median of the rounds is printed. The loop on ready batches
reads no data at all: what ours lacks to it is the price of drawing, gathering and standardising crops, of the log and
of looking at the loss.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import Counts, MelStore
from study.study_file import Training

CLIPS, CLIP_FRAMES, CROP_FRAMES, FACTORS = 256, 432, 216, 50
MEAN, DEVIATION = np.full(128, -40.0), np.full(128, 20.0)


class Items(Dataset[tuple[Tensor, Tensor]]):
    """A crop an item, standardised one by one: how such loaders are usually written."""

    def __init__(self, store: MelStore, labels: np.ndarray) -> None:
        self.store, self.labels = store, labels
        self.generator = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, track: int) -> tuple[Tensor, Tensor]:
        first = self.store.first_frame[track] + self.generator.integers(CLIP_FRAMES - CROP_FRAMES + 1)
        decibels = self.store.frames[first : first + CROP_FRAMES].astype(np.float32) * (80 / 255) - 80
        crop = ((decibels - MEAN) / DEVIATION).transpose(1, 0, 2).astype(np.float32)
        return torch.from_numpy(crop), torch.from_numpy(self.labels[track])


def plain_network(width: float) -> nn.Sequential:
    """Table 3 as one would write it down."""
    sizes = [2] + [round(width * n) for n in (16, 32, 64, 64, 128, 256, 256)]
    kernels = (5, 3, 3, 3, 3, 3, 1)
    parts: list[nn.Module] = []
    for i, kernel in enumerate(kernels):
        convolution = nn.Conv2d(sizes[i], sizes[i + 1], kernel, (2, 1) if i == 0 else 1, kernel // 2)
        parts += [convolution, nn.BatchNorm2d(sizes[i + 1]), nn.ReLU()]
        parts += [nn.MaxPool2d(2)] if i < 5 else []
    features = sizes[-1]
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, features), nn.BatchNorm1d(features), nn.ReLU()]
    return nn.Sequential(*parts, nn.Dropout(), nn.Linear(features, FACTORS), nn.LogSoftmax(dim=1))


def our_loop(network: Network, store: MelStore, labels: np.ndarray, settings: Training, threads: int) -> float:
    """Steps a second of `train`."""
    with tempfile.TemporaryDirectory() as folder:
        trained = train(
            network,
            store=store,
            statistics=(MEAN, DEVIATION),
            crop_frames=CROP_FRAMES,
            labels={"tag": labels},
            training_tracks=np.arange(CLIPS),
            validation_tracks=np.arange(0),
            settings=settings,
            run_id="0" * 16,
            device="cpu",
            threads=threads,
            checkpoint_folder=Path(folder) / "checkpoints",
            log_path=Path(folder) / "log.jsonl",
        )
    return trained.steps / trained.seconds


def plain_loop(
    network: nn.Module, batches: Callable[[], tuple[Tensor, Tensor]], steps: int, settings: Training
) -> float:
    """Steps a second of the shortest loop there is over `batches()`."""
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.l2, fused=True)
    began = time.perf_counter()
    for _ in range(steps):
        crops, wanted = batches()
        optimiser.zero_grad()
        functional.kl_div(network(crops), wanted, reduction="batchmean").backward()
        optimiser.step()
    return steps / (time.perf_counter() - began)


def measure(width: float, batch_size: int, epochs: int, threads: int, rounds: int) -> None:
    torch.set_num_threads(threads)
    generator = np.random.default_rng(0)
    lengths = np.full(CLIPS, CLIP_FRAMES)
    codes = generator.integers(0, 256, (CLIPS * CLIP_FRAMES, 2, 128), dtype=np.uint8)
    names, peaks = np.arange(CLIPS).astype(str).astype(object), np.zeros(CLIPS, dtype=np.float32)
    store = MelStore(
        Path("memory"), names, np.cumsum(lengths) - lengths, lengths, lengths, peaks, names, codes, Counts()
    )
    labels = generator.dirichlet(np.ones(FACTORS), CLIPS).astype(np.float32)

    steps = epochs * CLIPS // batch_size
    settings = Training(epochs=epochs, batch_size=batch_size)
    ready = torch.randn(batch_size, 2, CROP_FRAMES, 128), torch.from_numpy(labels[:batch_size])
    loader = DataLoader(Items(store, labels), batch_size, shuffle=True, drop_last=True)

    def endless():
        while True:
            yield from loader

    items = endless()
    network = build_network("SS-R", {"tag": FACTORS}, width=width, seed=np.random.SeedSequence(0))
    layout = network.memory_format
    plain = plain_network(width).to(memory_format=layout)
    ready = ready[0].contiguous(memory_format=layout), ready[1]
    loops: dict[str, Callable[[], float]] = {
        "train()": lambda: our_loop(network, store, labels, settings, threads),
        "ready batches": lambda: plain_loop(plain, lambda: ready, steps, settings),
        "DataLoader, item by item": lambda: plain_loop(plain_network(width), lambda: next(items), steps, settings),
    }
    for loop in loops.values():
        loop()  # warm up
    rates = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            rates[name].append(loop())
    print(f"width {width}, batches of {batch_size}, {threads} thread(s), {rounds} rounds of {steps} steps:")
    ours = statistics.median(rates["train()"])
    for name, found in rates.items():
        rate = statistics.median(found)
        spread = f"{min(found):.2f} to {max(found):.2f}"
        print(f"  {name:26} {rate:6.2f} steps/s ({spread}); train() runs at {ours / rate:.2f} of it", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=float)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2, help="passes over the clips in a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    both = [(0.25, 32, 4), (1.0, 128, 2)]
    for sizes in [(asked.width, asked.batch_size, asked.epochs)] if asked.width else both:
        measure(*sizes, asked.threads, asked.rounds)
