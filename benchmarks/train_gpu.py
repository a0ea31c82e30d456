"""Training on a GPU: first that it is right, then steps a second, alone and several to a card.

    python benchmarks/train_gpu.py --minutes 8              everything, about eight minutes on an H100
    python benchmarks/train_gpu.py --device cpu --quick     a few small steps of everything, to see that it runs

It needs neither Ray nor soundfile; trainings that share the card are processes that call `train`. In this order, and
each line is also written to `--output` as it comes:

- checks against the CPU, of compiled steps against eager ones, and of resuming (`gpu_checks.py`);
- steps a second of `train`, the store on the card, and of the network alone on a ready batch: what `train` lacks to
  it is the price of the loop. The floor is set by the card's memory: the bytes that a fully fused step moves over the
  bandwidth of a copy;
- steps a second of 2, 4 and 8 trainings together, counted while all of them train;
- steps a second with the store on the host;
- GPU-hours of the published study's 425 runs at the rates measured.

What the minutes do not suffice for is named, and the exit status is 1 if a check fails.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.gpu_checks import checks
from benchmarks.gpu_trainings import (
    CHANNELS,
    CROP_FRAMES,
    FULL,
    N_MELS,
    QUICK,
    STATISTICS,
    STRATEGIES,
    Size,
    epochs_logged,
    labels_of,
    network_of,
    no_store,
    run_training,
)
from jobs.learning.batches import crop_reader, pair_labels
from jobs.learning.cuda_graphs import as_graphs
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.precision import Arithmetic, compiled, use_float32
from jobs.learning.tasks import Batch, Task, item_losses, source_tasks
from study.core.backbones import BACKBONES

EPOCH_STEPS = 200 * math.ceil(41_841 / 128)
SINGLE_STEPS, SEVERAL_STEPS = 48 * EPOCH_STEPS, (352 * 4.5 + 25 * 8) * EPOCH_STEPS
"""Of the published study: 48 runs of one source, 352 of 2 to 7, 25 of 8, each 200 epochs of m x 327 batches."""
PASSES = 8
"""Over what the convolutions write, in a step that fuses all it can: written, read by BN; backward read by BN twice,
its gradient written and read for inputs and for weights; the pooled maps make the eighth."""
ENDLESS = 10**6
"""Epochs of trainings together: they train until they are stopped."""
WARM_UP_STEPS = 6
POLL_S = 0.01
LOG = "log.jsonl"


def training_rate(size: Size, strategy: str, arithmetic: Arithmetic, gpu_share: float = 1.0) -> float:
    """Steps a second of `train`: epochs two to four of five."""
    with tempfile.TemporaryDirectory() as folder:
        run_training(size, strategy, arithmetic, 5, Path(folder) / LOG, gpu_share)
        first, *_, last, _ = epochs_logged(Path(folder) / LOG)
    return (last["step"] - first["step"]) / (last["seconds"] - first["seconds"])


def network_rate(size: Size, strategy: str, arithmetic: Arithmetic) -> float:
    """Steps a second of the network, the loss and the optimiser on batches that are ready, sources in turn."""
    device = torch.device(size.device)
    network = network_of(size, strategy).to(device).train()
    tracks = np.arange(size.batch_size)
    tasks = source_tasks(network, labels_of(size, strategy), tracks, tracks, device)
    losses = compiled(item_losses, 2 * len(tasks)) if arithmetic.compiled else item_losses
    optimiser = OPTIMISERS["adam"](list(network.parameters()), 0.00025, 1e-6)
    reader = crop_reader(no_store(), STATISTICS, CROP_FRAMES, device)
    ready = [ready_batch(size, source, task, device) for source, task in enumerate(tasks)]

    def learn(batches: tuple[Batch, ...]) -> tuple[torch.Tensor, ...]:
        (batch,) = batches
        crops = batch.codes, batch.peak_db
        loss = losses(network, reader, tasks[batch.source], *crops, batch.wanted, arithmetic.precision).mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return (loss.detach(),)

    step = as_graphs(learn, device) if device.type == "cuda" else learn
    with use_float32(arithmetic.precision):
        for number in range(WARM_UP_STEPS * len(ready) + size.steps):
            if number == WARM_UP_STEPS * len(ready):
                synchronise(device)
                began = time.perf_counter()
            step((ready[number % len(ready)],))
    synchronise(device)
    return size.steps / (time.perf_counter() - began)


def ready_batch(size: Size, source: int, task: Task, device: torch.device) -> Batch:
    pairs = task.labels is None
    n = size.batch_size
    shape = n * (1 + pairs), CROP_FRAMES, CHANNELS, N_MELS
    codes = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    wanted = pair_labels(n, device) if task.labels is None else task.labels[:n]
    return Batch(source, n, codes, torch.zeros(len(codes), device=device), wanted, {})


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
                asked = (size, strategy, arithmetic, ENDLESS, folder / LOG, 1 / processes)
                trainings.append(context.Process(target=run_training, args=asked))
                trainings[-1].start()
            while shared_seconds(seen) < size.shared_s:
                time.sleep(POLL_S)
                if not all(training.is_alive() for training in trainings):
                    raise RuntimeError(f"one of {processes} trainings together ended before its time")
                for folder, steps in zip(folders, seen, strict=True):
                    done = max((entry["step"] for entry in epochs_logged(folder / LOG)), default=0)
                    if done > (steps[-1][1] if steps else 0):
                        steps.append((time.perf_counter(), done))
        finally:
            for training in trainings:
                training.terminate()
                training.join()
    return common_rate(seen), shared_seconds(seen)


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


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def host_fed_rate(size: Size, strategy: str, arithmetic: Arithmetic) -> float:
    """As `training_rate`, with the store in the host's memory: no GPU has room for it in a share of 1 %."""
    return training_rate(size, strategy, arithmetic, gpu_share=0.01)


def measure(size: Size, say: Callable[[str], None], over: Callable[[], bool]) -> bool:
    """Say all figures in the order of the module's docstring until time is `over`; whether all checks hold."""
    held = True
    for what, value, limit in checks(size):
        held &= value <= limit
        say(f"{'ok ' if value <= limit else 'NOT'} {what} differ by {value:.2g} (at most {limit:g})")
    copied = bandwidth(size)
    floor_s = bytes_of_a_step(size) / copied
    say(f"copy: {copied / 1e12:.3f} TB/s; a step moves {bytes_of_a_step(size) / 1e9:.3f} GB at least: "
        f"{1e3 * floor_s:.3f} ms, {1 / floor_s:.0f} steps/s")  # fmt: skip
    best = size.ways[0]
    alone_rates: dict[tuple[str, Arithmetic], float] = {}

    def say_alone(strategy: str, way: Arithmetic) -> None:
        ours, network = training_rate(size, strategy, way), network_rate(size, strategy, way)
        alone_rates[strategy, way] = ours
        say(f"{strategy:8} {named(way):18} train() {ours:8.1f} steps/s, network alone {network:8.1f}: "
            f"{ours / network:.2f} of it; {1 / ours / floor_s:.1f} times the floor")  # fmt: skip

    def say_host_fed() -> None:
        rate = host_fed_rate(size, "SS-R", best)
        say(f"SS-R     {named(best):18} store on the host {rate:8.1f} steps/s: "
            f"{rate / alone_rates['SS-R', best]:.2f} of that on the card")  # fmt: skip

    def say_together(processes: int) -> None:
        rate, seconds = shared_rate(size, "SS-R", best, processes)
        say(f"SS-R     {named(best):18} {processes} trainings together {rate:8.1f} steps/s: "
            f"{rate / alone_rates['SS-R', best]:.2f} times one, over {seconds:.1f} s in which all trained")  # fmt: skip

    parts: list[tuple[str, Callable[[], None]]] = [
        *((f"{strategy}, {named(best)}", partial(say_alone, strategy, best)) for strategy in STRATEGIES),
        *((f"{strategy}, {named(way)}", partial(say_alone, strategy, way))
          for way in size.ways[1:] for strategy in STRATEGIES),
        ("the store on the host", say_host_fed),
        *((f"{processes} trainings together", partial(say_together, processes)) for processes in size.shares),
    ]  # fmt: skip
    for name, part in parts:
        if over():
            say(f"left out, for the time is up: {name}")
        else:
            part()
    for way in size.ways:
        if all((strategy, way) in alone_rates for strategy in STRATEGIES):
            single, several = (1 / alone_rates[strategy, way] for strategy in STRATEGIES)
            hours = (SINGLE_STEPS * single + SEVERAL_STEPS * several) / 3600
            say(f"425 runs of 200 epochs, {named(way)}: {hours:.0f} GPU-hours at these rates of SS-R and of MS-CR@2 "
                "with eight sources")  # fmt: skip
    return held


def named(way: Arithmetic) -> str:
    return f"{way.precision}, {'compiled' if way.compiled else 'eager'}"


def main(size: Size, minutes: float, output: Path) -> bool:
    began = time.monotonic()
    with output.open("a", encoding="utf-8") as file:

        def say(line: str) -> None:
            print(f"{time.monotonic() - began:5.0f} s  {line}", flush=True)
            print(line, file=file, flush=True)

        card = torch.cuda.get_device_name() if size.device == "cuda" else "cpu"
        say(f"{card}, torch {torch.__version__}, batches of {size.batch_size}, width {size.width}, "
            f"{size.steps} steps an epoch")  # fmt: skip
        return measure(size, say, lambda: time.monotonic() - began > 60 * minutes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="small networks and a few steps, not compiled")
    parser.add_argument("--minutes", type=float, default=30, help="nothing more is begun after this time")
    parser.add_argument("--output", type=Path, default=Path("train_gpu.txt"), help="the lines are added to this file")
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("train_gpu.py needs a GPU that this PyTorch can use, and there is none (--device cpu --quick runs a few "
              "small steps without)", file=sys.stderr)  # fmt: skip
        sys.exit(2)
    size = replace(QUICK if asked.quick else FULL, device=asked.device)
    sys.exit(not main(size, asked.minutes, asked.output))
