"""Training on a GPU: steps a second of two strategies, alone and several to a card, and what that makes of a study.

    python benchmarks/train_gpu.py                     SS-R and MS-CR@2 with eight sources, about half an hour
    python benchmarks/train_gpu.py --device cpu --quick     a few small steps of everything, to see that it runs

No Ray: trainings that share the card are processes that call `train`. Printed are

- steps a second of `train` in bf16 and float32, eager and compiled (with CUDA graphs), the store on the card;
- the same of the network alone on a ready batch: what ours lacks to it is the price of the loop;
- steps a second of 2, 4 and 8 trainings together (bf16, compiled), counted while all of them train;
- the floor that the card's memory sets: bytes that a fully fused step moves over the bandwidth of a copy;
- GPU-hours of the published study's 425 runs at the rates measured.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from jobs.learning.batches import CropReader, pair_labels
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.precision import Arithmetic, compiled
from jobs.learning.tasks import item_losses, source_tasks
from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import Counts, MelStore
from study.core.backbones import BACKBONES
from study.core.study_file import Training

N_MELS, CHANNELS, CROP_FRAMES, FACTORS = 128, 2, 216, 50
SOURCES: dict[str, int | None] = {"self": None} | {f"source{i}": FACTORS for i in range(1, 8)}
STRATEGIES: dict[str, dict[str, int | None]] = {"SS-R": {"source1": FACTORS}, "MS-CR@2": SOURCES}
STATISTICS = np.full(N_MELS, -40.0), np.full(N_MELS, 20.0)
STUDY_STEPS = (48 + 352 * 4.5 + 25 * 8) * 200 * math.ceil(41_841 / 128)
"""Of the published study: 48 runs of one source, 352 of 2 to 7, 25 of 8, each 200 epochs of m x 327 batches."""
PASSES = 8
"""Over what the convolutions write, in a step that fuses all it can: written, read by BN; backward read by BN twice,
its gradient written and read for inputs and for weights; the pooled maps make the eighth."""


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
FULL = Size("cuda", 2000, 2584, 128, 1.0, 300, (2, 4, 8), 20, (*(replace(way, compiled=True) for way in EAGER), *EAGER))
QUICK = Size("cpu", 16, 260, 4, 0.1, 1, (2,), 1, EAGER)
ENDLESS = 10**9
"""Epochs of trainings together: they train until they are stopped."""
POLL_S = 0.01
LOG = "log.jsonl"


def training_rate(size: Size, strategy: str, arithmetic: Arithmetic) -> float:
    """Steps a second of `train`: epochs two to four of five."""
    with tempfile.TemporaryDirectory() as folder:
        run_training(size, strategy, arithmetic, 5, Path(folder), 1.0)
        lines = [json.loads(line) for line in (Path(folder) / LOG).read_text().splitlines()]
    first, *_, last, _ = (line for line in lines if line["event"] == "epoch")
    return (last["step"] - first["step"]) / (last["seconds"] - first["seconds"])


def run_training(
    size: Size, strategy: str, arithmetic: Arithmetic, epochs: int, folder: Path, gpu_share: float
) -> None:
    """One training that logs to `folder`."""
    codes = np.random.default_rng(0).integers(0, 256, (size.clips * size.clip_frames, CHANNELS, N_MELS), dtype=np.uint8)
    lengths, peaks = np.full(size.clips, size.clip_frames), np.zeros(size.clips, dtype=np.float32)
    names = np.arange(size.clips).astype(str).astype(object)
    firsts = np.cumsum(lengths) - lengths
    store = MelStore(Path("memory"), names, firsts, lengths, lengths, peaks, names, codes, Counts())
    train(
        network_of(size, strategy), store=store, statistics=STATISTICS, crop_frames=CROP_FRAMES,
        labels=labels_of(size, strategy),
        training_tracks=np.resize(np.arange(size.clips), size.steps * size.batch_size),
        validation_tracks=np.arange(0), run_id="0" * 16, device=size.device, threads=1,
        settings=Training(epochs=epochs, iterations="l", batch_size=size.batch_size, width=size.width),
        checkpoint_folder=folder / "checkpoints", log_path=folder / LOG, arithmetic=arithmetic, gpu_share=gpu_share,
    )  # fmt: skip


def network_rate(size: Size, strategy: str, arithmetic: Arithmetic) -> float:
    """Steps a second of the network, the loss and the optimiser on batches that lie ready, sources in turn."""
    device = torch.device(size.device)
    network = network_of(size, strategy).to(device).train()
    tracks = np.arange(size.batch_size)
    tasks = source_tasks(network, labels_of(size, strategy), tracks, tracks, device)
    step = compiled(item_losses, device, 2 * len(tasks)) if arithmetic.compiled else item_losses
    optimiser = OPTIMISERS["adam"](list(network.parameters()), 0.00025, 1e-6)
    one = torch.ones(N_MELS, device=device)
    reader = CropReader(None, one, one, CROP_FRAMES, device)  # type: ignore[arg-type]
    crops = (size.batch_size, CROP_FRAMES, CHANNELS, N_MELS)
    ready = []
    for task in tasks:
        pairs = task.labels is None
        codes = torch.randint(0, 256, (crops[0] * (1 + pairs), *crops[1:]), dtype=torch.uint8, device=device)
        wanted = pair_labels(size.batch_size, device) if pairs else task.labels[: size.batch_size]
        ready.append((task, codes, torch.zeros(len(codes), device=device), wanted))
    for number in range(4 * len(ready) + size.steps):
        if number == 4 * len(ready):
            synchronise(device)
            began = time.perf_counter()
        if arithmetic.compiled:
            torch.compiler.cudagraph_mark_step_begin()
        step(network, reader, *ready[number % len(ready)], arithmetic.precision).mean().backward()
        optimiser.step()
        optimiser.zero_grad()
    synchronise(device)
    return size.steps / (time.perf_counter() - began)


def shared_rate(size: Size, strategy: str, arithmetic: Arithmetic, processes: int) -> tuple[float, float]:
    """Steps a second of that many trainings on one card, added up, and the seconds in which all of them trained.

    Each trains on until all have been watched together for `size.shared_s`. Raises RuntimeError if one ends before.
    """
    context = get_context("spawn")
    seen: list[list[tuple[float, int]]] = [[] for _ in range(processes)]
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(number) for number in range(processes)]
        trainings = []
        try:
            for folder in folders:
                folder.mkdir()
                asked = (size, strategy, arithmetic, ENDLESS, folder, 1 / processes)
                trainings.append(context.Process(target=run_training, args=asked))
                trainings[-1].start()
            while shared_seconds(seen) < size.shared_s:
                time.sleep(POLL_S)
                if not all(training.is_alive() for training in trainings):
                    raise RuntimeError(f"one of {processes} trainings together ended before its time")
                for folder, steps in zip(folders, seen, strict=True):
                    done = steps_logged(folder / LOG)
                    if done > (steps[-1][1] if steps else 0):
                        steps.append((time.perf_counter(), done))
        finally:
            for training in trainings:
                training.terminate()
                training.join()
    return common_rate(seen), shared_seconds(seen)


def steps_logged(log: Path) -> int:
    """Steps done at the end of the last epoch logged, 0 before the first."""
    lines = log.read_text().split("\n")[:-1] if log.is_file() else []  # without one that is being written
    return next((entry["step"] for entry in map(json.loads, reversed(lines)) if entry["event"] == "epoch"), 0)


def shared_seconds(seen: Sequence[Sequence[tuple[float, int]]]) -> float:
    """From when the last training had its first epoch, and its compilation, behind it to the end that all reached.

    `seen` has, of each training, times in seconds and the steps done by then; negative until they overlap.
    """
    if not all(seen):
        return -math.inf
    return min(steps[-1][0] for steps in seen) - max(steps[0][0] for steps in seen)


def common_rate(seen: Sequence[Sequence[tuple[float, int]]]) -> float:
    """Steps a second of all trainings in the time that they share, epochs' steps spread evenly over their epoch."""
    ends = max(steps[0][0] for steps in seen), min(steps[-1][0] for steps in seen)
    return float(sum(np.ptp(np.interp(ends, *zip(*steps, strict=True))) for steps in seen) / (ends[1] - ends[0]))


def bytes_of_a_step(size: Size) -> float:
    """What a fully fused step in bf16 moves."""
    shape, written = (CHANNELS, CROP_FRAMES, N_MELS), 0.0
    for layer in BACKBONES["base"].layers:
        shape = layer.cost(shape, size.width).shape
        written += math.prod(shape) * math.prod(getattr(layer, "pool", ()))
    return PASSES * 2 * written * size.batch_size


def bandwidth(size: Size) -> float:
    """Bytes a second that a copy reads and writes."""
    device = torch.device(size.device)
    n = 2**31 if device.type == "cuda" else 2**22
    one, other = torch.empty(n, dtype=torch.uint8, device=device), torch.empty(n, dtype=torch.uint8, device=device)
    for turn in range(12):
        if turn == 2:
            synchronise(device)
            began = time.perf_counter()
        one.copy_(other)
    synchronise(device)
    return 10 * 2 * n / (time.perf_counter() - began)


def network_of(size: Size, strategy: str) -> Network:
    return build_network(strategy, STRATEGIES[strategy], width=size.width, seed=np.random.SeedSequence(0))


def labels_of(size: Size, strategy: str) -> dict[str, np.ndarray]:
    generator, n = np.random.default_rng(1), max(size.clips, size.batch_size)
    sources = (name for name, factors in STRATEGIES[strategy].items() if factors is not None)
    return {name: generator.dirichlet(np.ones(FACTORS), n) for name in sources}


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main(size: Size) -> None:
    device = torch.cuda.get_device_name() if size.device == "cuda" else "cpu"
    print(f"{device}, batches of {size.batch_size}, width {size.width}, {size.steps} steps an epoch")
    copied = bandwidth(size)
    floor_s = bytes_of_a_step(size) / copied
    print(f"copy: {copied / 1e12:.3f} TB/s; a step moves {bytes_of_a_step(size) / 1e9:.3f} GB at least: "
          f"{1e3 * floor_s:.3f} ms, {1 / floor_s:.0f} steps/s", flush=True)  # fmt: skip
    hours: dict[str, float] = {}
    for strategy in STRATEGIES:
        for arithmetic in size.ways:
            how = f"{arithmetic.precision}, {'compiled' if arithmetic.compiled else 'eager'}"
            ours, alone = training_rate(size, strategy, arithmetic), network_rate(size, strategy, arithmetic)
            print(f"{strategy:8} {how:18} train() {ours:8.1f} steps/s, network alone {alone:8.1f}: "
                  f"{ours / alone:.2f} of it; {1 / ours / floor_s:.1f} times the floor", flush=True)  # fmt: skip
            if arithmetic == size.ways[0]:
                for processes in size.shares:
                    rate, seconds = shared_rate(size, strategy, arithmetic, processes)
                    print(f"{strategy:8} {how:18} {processes} trainings together {rate:8.1f} steps/s: "
                          f"{rate / ours:.2f} times one, over {seconds:.1f} s in which all trained",
                          flush=True)  # fmt: skip
            if strategy == "MS-CR@2":
                hours[how] = STUDY_STEPS / ours / 3600
    print("425 runs, 200 epochs, at the rate of MS-CR@2 with eight sources: "
          + "; ".join(f"{how} {found:.0f} GPU-hours" for how, found in hours.items()))  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="small networks and a few steps, not compiled")
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("train_gpu.py needs a GPU that this PyTorch can use, and there is none (--device cpu --quick runs a few "
              "small steps without)", file=sys.stderr)  # fmt: skip
        sys.exit(2)
    main(replace(QUICK if asked.quick else FULL, device=asked.device))
