"""Training on a CPU, steps a second: our loop against the leanest that can be written, and one fed item by item.

    python benchmarks/train_cpu.py                        width 1, batches of 128, two threads
    python benchmarks/train_cpu.py --width 0.25 --batch-size 32 --threads 1 --rounds 5 --cpu-time
    python benchmarks/train_cpu.py --sound FOLDER         what bf16 does to gradients on real sound (22,050 Hz, stereo)

SS-R with 50 factors on crops of 2 x 216 x 128, from 256 clips of 5 s in memory; our loop with what `auto` comes to in
a study long enough to be compiled. The loops take turns, so that what else the machine does meets all of them; each is
warmed up before its turn, and the median of the rounds is printed with their spread. The loops on a ready batch read
no data at all: what ours lacks to the faster of them is the price of drawing, gathering and standardising crops, of
the log and of looking at the loss. The DataLoader gives crops one by one to a loop without compiler in float32.
`--cpu-time` counts seconds of the processor instead of the clock's: for a machine that others use, with one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from jobs.learning.batches import crop_reader
from jobs.learning.precision import resolve
from jobs.learning.tasks import item_losses, source_tasks, training_batches
from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import Counts, MelStore, band_statistics, read_mel_store
from jobs.sound.mel_writing import write_mel_store
from study.core.sections import Mel, Training

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


def our_loop(
    network: Network, store: MelStore, labels: np.ndarray, settings: Training, threads: int, clock: Callable[[], float]
) -> float:
    """Steps a second of `train` after its first epoch, in which it compiles."""
    with tempfile.TemporaryDirectory() as folder, patch("jobs.learning.train.time", SimpleNamespace(monotonic=clock)):
        train(
            network, store=store, statistics=(MEAN, DEVIATION), crop_frames=CROP_FRAMES, labels={"tag": labels},
            training_tracks=np.arange(CLIPS), validation_tracks=np.arange(0), settings=settings, run_id="0" * 16,
            device="cpu", threads=threads, checkpoint_folder=Path(folder) / "checkpoints",
            log_path=Path(folder) / "log.jsonl", arithmetic=resolve(settings, "cpu", flop=float("inf")),
        )  # fmt: skip
        lines = [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text().splitlines()]
    first, *_, last = (line for line in lines if line["event"] == "epoch")
    return (last["step"] - first["step"]) / (last["seconds"] - first["seconds"])


def plain_loop(
    network: nn.Module, batches: Callable[[], tuple[Tensor, Tensor]], steps: int, settings: Training, precision: str,
    compiled: bool, clock: Callable[[], float],
) -> float:  # fmt: skip
    """Steps a second of the shortest loop there is over `batches()`, after two steps to warm up."""
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.l2, fused=True)

    def loss_of(crops: Tensor, wanted: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            found = network(crops)
        return functional.kl_div(found.float(), wanted, reduction="batchmean")

    if compiled:
        loss_of = torch.compile(loss_of, dynamic=False)
    for step in range(2 + steps):
        if step == 2:
            began = clock()
        loss_of(*batches()).backward()
        optimiser.step()
        optimiser.zero_grad()
    return steps / (clock() - began)


def measure(width: float, batch_size: int, epochs: int, threads: int, rounds: int, clock: Callable[[], float]) -> None:
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
    settings = Training(epochs=1 + epochs, batch_size=batch_size, width=width)
    loader = DataLoader(Items(store, labels), batch_size, shuffle=True, drop_last=True)

    def endless():
        while True:
            yield from loader

    items = endless()
    network = build_network("SS-R", {"tag": FACTORS}, width=width, seed=np.random.SeedSequence(0))
    plain = plain_network(width).to(memory_format=network.memory_format)
    ready = torch.randn(batch_size, 2, CROP_FRAMES, 128).contiguous(memory_format=network.memory_format)
    both = ready, torch.from_numpy(labels[:batch_size])
    one_by_one = plain_network(width)
    loops: dict[str, Callable[[], float]] = {
        "train()": lambda: our_loop(network, store, labels, settings, threads, clock),
        "ready batch, bf16, compiled": lambda: plain_loop(plain, lambda: both, steps, settings, "bf16", True, clock),
        "ready batch, float32, compiled": lambda: plain_loop(
            plain, lambda: both, steps, settings, "float32", True, clock
        ),
        "ready batch, float32": lambda: plain_loop(plain, lambda: both, steps, settings, "float32", False, clock),
        "DataLoader, item by item, float32": lambda: plain_loop(
            one_by_one, lambda: next(items), steps, settings, "float32", False, clock
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in loops}
    ratios: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            rates[name].append(loop())
            ratios[name].append(rates["train()"][-1] / rates[name][-1])
    ours = resolve(settings, "cpu", flop=float("inf"))
    print(
        f"width {width}, batches of {batch_size}, {threads} thread(s), {rounds} rounds of {steps} steps, ours in {ours}"
    )
    for name, found in rates.items():
        rate, ratio = statistics.median(found), statistics.median(ratios[name])
        print(f"  {name:34} {rate:6.2f} steps/s ({min(found):.2f} to {max(found):.2f}); train() runs at {ratio:.2f} "
              f"of it ({min(ratios[name]):.2f} to {max(ratios[name]):.2f})", flush=True)  # fmt: skip


def gradients(folder: Path, width: float, batch_size: int, steps: int) -> None:
    """Cosine between the gradients in bf16 and in float32 on real sound, at the outset and after some steps."""
    mel, crop_frames = Mel(), Mel().crop_frames(22050)
    sounds = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".wav", ".ogg", ".flac", ".mp3"))
    tracks = pd.DataFrame({"track_id": [str(i) for i in range(len(sounds))], "path": [str(path) for path in sounds]})
    with tempfile.TemporaryDirectory() as made:
        write_mel_store(Path(made) / "mel", tracks, 22050, 2, mel, crop_frames, "drop", 1)
        store = read_mel_store(Path(made) / "mel")
        every = np.arange(len(store))
        reader = crop_reader(store, band_statistics(store, every), crop_frames, torch.device("cpu"))
        labels = np.random.default_rng(0).dirichlet(np.full(FACTORS, 0.1), len(store))
        network = build_network("SS-R", {"tag": FACTORS}, width=width, seed=np.random.SeedSequence(0))
        network.heads[0][0].p = 0.0
        tasks = source_tasks(network, {"tag": labels}, every, every[:0], torch.device("cpu"))
        optimiser = torch.optim.Adam(network.parameters(), lr=Training().learning_rate, fused=True)
        batches = training_batches(np.random.default_rng(1), reader, tasks, batch_size)
        for step in range(steps + 1):
            batch = next(batches)
            found = {}
            for precision in ("bf16", "float32") if step in (0, steps) else ("float32",):
                optimiser.zero_grad()
                given = batch.codes, batch.peak_db, batch.wanted, precision
                loss = item_losses(network, reader, tasks[0], *given).mean()
                loss.backward()
                found[precision] = torch.cat([p.grad.flatten() for p in network.parameters()]), float(loss.detach())
            if step in (0, steps):
                (rounded, loss), (exact, exact_loss) = found["bf16"], found["float32"]
                cosine = torch.cosine_similarity(rounded, exact, dim=0)
                print(f"step {step}, {len(store)} recordings: cosine {cosine:.4f}; loss {loss:.4f} in bf16, "
                      f"{exact_loss:.4f} in float32", flush=True)  # fmt: skip
            optimiser.step()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=3, help="passes over the clips in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cpu-time", action="store_true", help="seconds of the processor, not of the clock")
    parser.add_argument("--sound", type=Path, help="a folder of recordings: compare gradients on them instead")
    asked = parser.parse_args()
    if asked.sound:
        gradients(asked.sound, asked.width, asked.batch_size, steps=30)
    else:
        clock = time.process_time if asked.cpu_time else time.monotonic
        measure(asked.width, asked.batch_size, asked.epochs, asked.threads, asked.rounds, clock)
