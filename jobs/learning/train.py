"""Training a run: Algorithm 1 of Kim et al. 2019, from top to bottom.

At every iteration a source is picked at random, a batch of tracks that have its labels, a crop of each; the
network learns the labels' distribution by its Kullback-Leibler divergence (Eq. 2), or whether two crops are
of one track (Eq. 5). An epoch has L = l m iterations (or l, by setting). Validation is for watching, never
for choosing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from jobs.learning.batches import CropReader, Statistics, crop_reader
from jobs.learning.checkpoint import capture, read_checkpoint, restore, write_checkpoint
from jobs.learning.tasks import Task, mean_loss, source_tasks, training_batch, validation_batches
from jobs.learning.training_log import cut_log, write_line
from jobs.networks.branching import Network, torch_seed
from jobs.sound.mel_store import MelStore
from study.cost import epoch_steps
from study.errors import RunFailed
from study.run import seed_sequence
from study.study_file import Training

DIVERGENCE_CHECK_STEPS = 50
"""Steps between looks at the loss, which a GPU must stop for; an epoch's end is always looked at."""


@dataclass(frozen=True)
class Trained:
    """`outcome` is "ok", or "diverged" if a loss was NaN or infinite; `seconds` counts every attempt."""

    outcome: str
    steps: int
    seconds: float


@dataclass
class Position:
    """How far a training is, with the running epoch's losses; goes into checkpoints."""

    epoch: int = 0
    iteration: int = 0
    steps: int = 0
    seconds: float = 0.0
    loss_sums: list[float] = field(default_factory=list)
    loss_counts: list[int] = field(default_factory=list)


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
    """Train `network` in place, from its newest checkpoint if there is one; `log_path` gets a line an epoch.

    `labels` has (n_tracks of the store, factors) for each source but `self`; a row of NaN is a track without
    labels, which the source never draws. Tracks are indices into the store. The checkpoints stay:
    they are the caller's to delete once the weights are saved.
    Raises ValueError if a source has no training tracks, RunFailed if the checkpoint is of another run.
    """
    torch.set_num_threads(threads)
    device = torch.device(device)
    precision = resolve_precision(settings.precision, device)
    network.to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.l2, fused=True)
    reader = crop_reader(store, statistics, crop_frames, device)
    tasks = source_tasks(network, labels, training_tracks, validation_tracks, device)
    iterations = epoch_steps(len(training_tracks), settings.batch_size, len(tasks), settings.iterations)
    generator = np.random.default_rng(seed_sequence(run_id, "batches"))

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(torch_seed(seed_sequence(run_id, "dropout")))
        position = Position(loss_sums=[0.0] * len(tasks), loss_counts=[0] * len(tasks))
        state, unreadable = read_checkpoint(checkpoint_folder)
        if state is not None:
            if state["run_id"] != run_id:
                raise RunFailed(f"{checkpoint_folder}: a checkpoint of run {state['run_id']}, not {run_id}")
            restore(state, network, optimiser, generator, device)
            position = Position(**{name: state[name] for name in asdict(position)})
        cut_log(log_path, position.epoch)
        if state is not None or unreadable:
            write_line(log_path, "resumed", step=position.steps, unreadable_checkpoints=unreadable)
        sums = torch.tensor(position.loss_sums, dtype=torch.float64, device=device)
        began = written = time.monotonic()
        earlier_s = position.seconds

        while position.epoch < settings.epochs:
            while position.iteration < iterations:
                pick = int(generator.integers(len(tasks)))
                tracks, starts = training_batch(generator, reader, tasks[pick], settings.batch_size)
                loss = mean_loss(network, reader, tasks[pick], tracks, starts, precision)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

                sums[pick] += loss.detach()
                position.loss_counts[pick] += 1
                position.iteration += 1
                position.steps += 1
                position.seconds = earlier_s + time.monotonic() - began
                look = position.iteration == iterations or position.steps % DIVERGENCE_CHECK_STEPS == 0
                if look and not bool(sums.isfinite().all()):
                    write_line(log_path, "diverged", epoch=position.epoch + 1, step=position.steps)
                    return Trained("diverged", position.steps, position.seconds)
                if time.monotonic() - written >= 60 * settings.checkpoint_minutes:
                    position.loss_sums = sums.tolist()
                    state = capture(network, optimiser, generator, device) | asdict(position)
                    write_checkpoint(checkpoint_folder, position.steps, state | {"run_id": run_id})
                    written = time.monotonic()

            position.epoch += 1
            means = zip(sums.tolist(), position.loss_counts, strict=True)
            write_line(
                log_path,
                "epoch",
                epoch=position.epoch,
                step=position.steps,
                seconds=round(position.seconds, 3),
                loss={task.name: s / n if n else None for task, (s, n) in zip(tasks, means, strict=True)},
                validation_loss=_validate(network, reader, tasks, settings.batch_size, precision, run_id),
            )
            position.iteration, position.loss_counts = 0, [0] * len(tasks)
            sums.zero_()
        return Trained("ok", position.steps, earlier_s + time.monotonic() - began)


def resolve_precision(setting: str, device: str | torch.device) -> str:
    """What "auto", "float32" or "bf16" means on a device: auto is bf16 on GPUs that have it in hardware.

    On a CPU auto is float32: without a compiler, bf16 is several times slower, even with instructions for it.
    """
    if setting != "auto":
        return setting
    on_gpu = torch.device(device).type == "cuda"
    return "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "float32"


@torch.inference_mode()
def _validate(
    network: Network, reader: CropReader, tasks: list[Task], batch_size: int, precision: str, run_id: str
) -> dict[str, float | None]:
    """Mean loss of each source over its validation tracks, the same crops every epoch.

    None where a source has no validation tracks, or the mean is not finite.
    """
    generator = np.random.default_rng(seed_sequence(run_id, "validation"))
    network.eval()
    found: dict[str, float | None] = {}
    for task in tasks:
        total, count = 0.0, 0
        for n, tracks, starts in validation_batches(generator, reader, task, batch_size):
            total += n * float(mean_loss(network, reader, task, tracks, starts, precision))
            count += n
        found[task.name] = total / count if count and np.isfinite(total) else None
    network.train()
    return found
