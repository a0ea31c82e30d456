"""Training a run: Algorithm 1 of Kim et al. 2019, from top to bottom.

At every iteration a source is picked at random, a batch of tracks that have its labels, a crop of each; the network
learns the labels' distribution by its Kullback-Leibler divergence (Eq. 2), or whether two crops are of one track
(Eq. 5). An epoch has L = l m iterations (or l, by setting). Validation is for watching, never for choosing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jobs.learning.batches import (
    CropReader,
    Statistics,
    crop_reader,
    draw_pairs,
    draw_starts,
    draw_tracks,
    pair_labels,
)
from jobs.learning.checkpoint import capture, read_checkpoint, restore, write_checkpoint
from jobs.networks.branching import Network, torch_seed
from jobs.sound.mel_store import MelStore
from study.cost import epoch_steps
from study.errors import RunFailed
from study.paths import write_whole
from study.run import seed_sequence
from study.study_file import Training

DIVERGENCE_CHECK_STEPS = 50
"""Steps between looks at the loss, which a GPU must stop for; an epoch's end is always looked at."""


@dataclass(frozen=True)
class Trained:
    """`outcome` is "ok", or "diverged" if a loss was NaN or infinite; `seconds` counts every attempt's training."""

    outcome: str
    steps: int
    seconds: float


@dataclass
class Position:
    """How far a training is, with the sums of the running epoch's losses; goes into checkpoints."""

    epoch: int = 0
    iteration: int = 0
    steps: int = 0
    seconds: float = 0.0
    loss_sums: list[float] = field(default_factory=list)
    loss_counts: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """A source as the loop sees it: where its batches come from. `labels` (n_tracks, factors) is None for `self`."""

    name: str
    labels: Tensor | None
    training_tracks: np.ndarray
    validation_tracks: np.ndarray


def train(
    network: Network,
    *,
    store: MelStore,
    statistics: Statistics,
    crop_frames: int,
    labels: Mapping[str, np.ndarray],
    training_tracks: np.ndarray,
    validation_tracks: np.ndarray,
    settings: Training,
    run_id: str,
    device: str | torch.device,
    threads: int,
    checkpoint_folder: Path,
    log_path: Path,
) -> Trained:
    """Train `network` in place, from its newest checkpoint where there is one; `log_path` gets a line an epoch.

    `labels` has (n_tracks of the store, factors) for each source but `self`; a row of NaN is a track without labels,
    which the source never draws. Tracks are indices into the store. The checkpoints stay: `remove_checkpoints` once
    the weights are saved.
    Raises ValueError if a source has no training tracks, RunFailed if the checkpoint is of another run.
    """
    torch.set_num_threads(threads)
    device = torch.device(device)
    precision = resolve_precision(settings.precision, device)
    network.to(device).train()
    optimiser = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.l2, fused=True
    )
    reader = crop_reader(store, statistics, crop_frames, device)
    tasks = _tasks(network, labels, training_tracks, validation_tracks, device)
    iterations = epoch_steps(len(training_tracks), settings.batch_size, len(tasks), settings.iterations)
    generator = np.random.default_rng(seed_sequence(run_id, "batches"))

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(torch_seed(seed_sequence(run_id, "dropout")))
        position = _resume(network, optimiser, generator, device, run_id, len(tasks), checkpoint_folder, log_path)
        sums = torch.tensor(position.loss_sums, dtype=torch.float64, device=device)
        before, began = position.seconds, time.monotonic()
        written = began
        while position.epoch < settings.epochs:
            while position.iteration < iterations:
                pick = int(generator.integers(len(tasks)))
                task = tasks[pick]
                tracks, starts = _draw(generator, reader, task, task.training_tracks, settings.batch_size)
                with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                    loss = _loss(network, reader, task, tracks, starts)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                sums[pick] += loss.detach()
                position.loss_counts[pick] += 1
                position.iteration += 1
                position.steps += 1

                look = position.iteration == iterations or position.steps % DIVERGENCE_CHECK_STEPS == 0
                if look and not bool(sums.isfinite().all()):
                    seconds = before + time.monotonic() - began
                    _log(log_path, event="diverged", epoch=position.epoch + 1, step=position.steps, seconds=seconds)
                    return Trained("diverged", position.steps, seconds)
                if time.monotonic() - written >= 60 * settings.checkpoint_minutes:
                    position.seconds, position.loss_sums = before + time.monotonic() - began, sums.tolist()
                    state = capture(network, optimiser, generator, device)
                    write_checkpoint(checkpoint_folder, position.steps, state | asdict(position) | {"run_id": run_id})
                    written = time.monotonic()

            _log(
                log_path,
                event="epoch",
                epoch=position.epoch + 1,
                step=position.steps,
                seconds=round(before + time.monotonic() - began, 3),
                loss=_mean_losses(tasks, sums.tolist(), position.loss_counts),
                validation_loss=_validate(network, reader, tasks, settings.batch_size, precision, run_id),
            )
            position.epoch, position.iteration = position.epoch + 1, 0
            position.loss_counts = [0] * len(tasks)
            sums.zero_()
        return Trained("ok", position.steps, before + time.monotonic() - began)


def resolve_precision(setting: str, device: str | torch.device) -> str:
    """ "float32" or "bf16" for a setting of "auto", "float32" or "bf16": auto is bf16 on GPUs that have it in hardware.

    On a CPU auto is float32: without a compiler, bf16 is several times slower there even where instructions exist.
    """
    if setting != "auto":
        return setting
    on_gpu = torch.device(device).type == "cuda"
    return "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "float32"


def _tasks(
    network: Network,
    labels: Mapping[str, np.ndarray],
    training_tracks: np.ndarray,
    validation_tracks: np.ndarray,
    device: torch.device,
) -> list[Task]:
    tasks = []
    for name, factors in network.source_factors.items():
        if factors is None:
            task = Task(name, None, np.asarray(training_tracks), np.asarray(validation_tracks))
        else:
            table = np.asarray(labels[name], dtype=np.float32)
            if table.shape[1] != factors:
                raise ValueError(f"labels of {name!r} have {table.shape[1]} factors, and the network {factors}")
            present = ~np.isnan(table).any(axis=1)
            split = [tracks[present[tracks]] for tracks in (training_tracks, validation_tracks)]
            task = Task(name, torch.from_numpy(table).to(device), *split)
        if not len(task.training_tracks):
            raise ValueError(f"no training track has labels of {name!r}")
        tasks.append(task)
    return tasks


def _draw(
    generator: np.random.Generator, reader: CropReader, task: Task, tracks: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    drawn = draw_pairs(generator, tracks, n) if task.labels is None else draw_tracks(generator, tracks, n)
    return drawn, draw_starts(generator, reader.store, drawn, reader.crop_frames)


def _loss(network: Network, reader: CropReader, task: Task, tracks: np.ndarray, starts: np.ndarray) -> Tensor:
    """Mean divergence in nat of the labels from the network's distributions; for pairs, of a one-hot label."""
    crops = reader.read(tracks, starts)
    if task.labels is None:
        left, right = crops.chunk(2)
        return functional.cross_entropy(
            network.pair_logits(left, right, task.name), pair_labels(len(left), reader.device)
        )
    wanted = task.labels[torch.from_numpy(tracks).to(reader.device)]
    return functional.kl_div(network.log_probabilities(crops, task.name), wanted, reduction="batchmean")


@torch.inference_mode()
def _validate(
    network: Network, reader: CropReader, tasks: list[Task], batch_size: int, precision: str, run_id: str
) -> dict[str, float | None]:
    """Mean loss of each source over its validation tracks, the same crops every epoch; None where it has none."""
    generator = np.random.default_rng(seed_sequence(run_id, "validation"))
    network.eval()
    found: dict[str, float | None] = {}
    for task in tasks:
        total, count = 0.0, 0
        for n, tracks in _validation_batches(generator, task, batch_size):
            starts = draw_starts(generator, reader.store, tracks, reader.crop_frames)
            with torch.autocast(reader.device.type, torch.bfloat16, enabled=precision == "bf16"):
                total += n * float(_loss(network, reader, task, tracks, starts))
            count += n
        found[task.name] = _finite(total / count) if count else None
    network.train()
    return found


def _validation_batches(
    generator: np.random.Generator, task: Task, batch_size: int
) -> Iterator[tuple[int, np.ndarray]]:
    """(number of items, tracks) until every validation track was seen once, or as many pairs as there are tracks."""
    tracks = task.validation_tracks
    if task.labels is None and len(tracks) < 2:
        return
    for first in range(0, len(tracks), batch_size):
        part = tracks[first : first + batch_size]
        yield len(part), draw_pairs(generator, tracks, len(part)) if task.labels is None else part


def _resume(
    network: Network,
    optimiser: torch.optim.Optimizer,
    generator: np.random.Generator,
    device: torch.device,
    run_id: str,
    n_tasks: int,
    checkpoint_folder: Path,
    log_path: Path,
) -> Position:
    """Go back to the newest checkpoint, and cut the log to it; from the beginning where there is none."""
    state, unreadable = read_checkpoint(checkpoint_folder)
    position = Position(loss_sums=[0.0] * n_tasks, loss_counts=[0] * n_tasks)
    if state is not None:
        if state["run_id"] != run_id:
            raise RunFailed(f"{checkpoint_folder}: the checkpoint is of run {state['run_id']}, not of {run_id}")
        restore(state, network, optimiser, generator, device)
        position = Position(**{name: state[name] for name in asdict(position)})
    kept = [line for line in _log_lines(log_path) if json.loads(line).get("epoch", 0) <= position.epoch]
    write_whole(log_path, lambda path: path.write_text("".join(kept) if state else "", encoding="utf-8"))
    if state is not None or unreadable:
        _log(log_path, event="resumed", step=position.steps, unreadable_checkpoints=unreadable)
    return position


def _log_lines(log_path: Path) -> list[str]:
    """The complete lines; a kill can leave a broken last one."""
    if not log_path.is_file():
        return []
    return [line for line in log_path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("}\n")]


def _log(log_path: Path, **entry: Any) -> None:
    with open(log_path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry, allow_nan=False) + "\n")


def _mean_losses(tasks: list[Task], sums: list[float], counts: list[int]) -> dict[str, float | None]:
    return {task.name: s / n if n else None for task, s, n in zip(tasks, sums, counts, strict=True)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
