"""Training a run: Algorithm 1 of Kim et al. 2019, from top to bottom.

Each iteration draws a random source, a batch of tracks with its labels, and a crop of each. The network learns the
labels (`objectives`), or whether two crops are from one track. An epoch has L = l m iterations (or l, by setting).
Validation is for monitoring only, never for selection.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from jobs.learning.batches import CropReader, Statistics, crop_reader, fits_on, prefetched
from jobs.learning.checkpoint import capture, read_checkpoint, restore, write_checkpoint
from jobs.learning.cuda_graphs import as_graphs
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.precision import Arithmetic, compiled, use_float32
from jobs.learning.tasks import Batch, Task, item_losses, source_tasks, training_batches
from jobs.learning.training_log import cut_log, write_line
from jobs.learning.validation import validation_losses
from jobs.networks.branching import Network, torch_seed
from jobs.sound.mel_store import MelStore
from study.core.cost import epoch_steps
from study.core.errors import RunFailed
from study.core.run import seed_sequence
from study.core.study_file import Training

DIVERGENCE_CHECK_STEPS = 50
"""Steps between checks of the loss, which synchronise a GPU; the end of an epoch is always checked."""


@dataclass(frozen=True)
class Trained:
    """`outcome` is "ok", or "diverged" if a loss or a final weight was NaN or infinite.

    `seconds` covers all attempts.
    """

    outcome: str
    steps: int
    seconds: float


@dataclass
class Position:
    """The progress of a training and the current epoch's losses; stored in checkpoints."""

    epoch: int = 0
    iteration: int = 0
    steps: int = 0
    seconds: float = 0.0
    loss_sums: list[float] = field(default_factory=list)
    loss_counts: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Parts:
    """What a training works with from its first step to its last; `generator` draws the batches."""

    run_id: str
    settings: Training
    network: Network
    tasks: list[Task]
    reader: CropReader
    optimiser: torch.optim.Optimizer
    generator: np.random.Generator
    arithmetic: Arithmetic
    checkpoint_folder: Path
    log_path: Path

    @property
    def device(self) -> torch.device:
        return self.reader.device

    @property
    def resident(self) -> bool:
        return self.reader.resident is not None


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
    arithmetic: Arithmetic = Arithmetic(),  # noqa: B008
    loss_of: Mapping[str, str] | None = None,
    gpu_share: float = 1.0,
) -> Trained:
    """Train `network` in place, from its newest checkpoint if there is one; `log_path` gets one line per epoch.

    `labels` has (n_tracks of the store, factors) for each source except `self`; a row of NaN is a track
    without labels, which the source never draws. `loss_of` names the sources that do not learn by kl. `arithmetic`
    is the outcome of `precision` and `compile`. Tracks are indices into the store. The caller deletes the
    checkpoints once the weights are saved.
    Raises ValueError if a source has no training tracks, RunFailed if the checkpoint belongs to another run.
    """
    torch.set_num_threads(threads)
    device = torch.device(device)
    network.to(device).train()
    resident = fits_on(device, store.frames.nbytes, gpu_share)
    parts = Parts(
        run_id,
        settings,
        network,
        tasks=source_tasks(network, labels, training_tracks, validation_tracks, device, loss_of, settings.reduction),
        reader=crop_reader(store, statistics, crop_frames, device, resident),
        optimiser=OPTIMISERS[settings.optimiser](list(network.parameters()), settings.learning_rate, settings.l2),
        generator=np.random.default_rng(seed_sequence(run_id, "batches")),
        arithmetic=arithmetic,
        checkpoint_folder=checkpoint_folder,
        log_path=log_path,
    )
    iterations = epoch_steps(len(training_tracks), settings.batch_size, len(parts.tasks), settings.iterations)
    losses, step = _losses_and_step(parts)
    batches = training_batches(parts.generator, parts.reader, parts.tasks, settings.batch_size)
    if device.type == "cuda" and not resident:
        batches = prefetched(batches)
    generators = [device] if device.type == "cuda" else []
    with closing(batches), use_float32(arithmetic.precision), torch.random.fork_rng(devices=generators):
        torch.manual_seed(torch_seed(seed_sequence(run_id, "dropout")))
        position, validation = _started(parts), {}
        clock = Clock(position.seconds)
        while position.epoch < settings.epochs:
            means = _epoch(parts, position, clock, iterations, batches, step)
            if means is None:
                return _diverged(parts, position, position.epoch + 1)
            position.epoch += 1
            validation = validation_losses(network, parts.reader, parts.tasks, settings.batch_size, run_id, losses)
            _log_epoch(parts, position, means, validation)
            position.iteration, position.loss_sums, position.loss_counts = _nothing_yet(parts)
        position.seconds = clock.seconds()
        # training losses do not cover the last update, which followed the last loss
        lasting = [loss for loss in validation.values() if loss is not None]
        if not all(map(math.isfinite, lasting)) or not all(map(_is_finite, network.state_dict().values())):
            return _diverged(parts, position, position.epoch)
        return Trained("ok", position.steps, position.seconds)


class Clock:
    """Seconds of training, earlier attempts included, and when the last checkpoint was written."""

    def __init__(self, earlier_s: float) -> None:
        self.earlier_s, self.began = earlier_s, time.monotonic()
        self.written = self.began

    def seconds(self) -> float:
        return self.earlier_s + time.monotonic() - self.began

    def is_due(self, minutes: float) -> bool:
        """Whether so many minutes have passed; if so, they start again."""
        if time.monotonic() - self.written < 60 * minutes:
            return False
        self.written = time.monotonic()
        return True


def _losses_and_step(parts: Parts) -> tuple[Callable[[Batch], torch.Tensor], Callable[[Batch], torch.Tensor]]:
    """The losses of a batch's items, and a step of the training, which gives their mean."""
    device, optimiser = parts.device, parts.optimiser
    of_items = compiled(item_losses, variants=2 * len(parts.tasks)) if parts.arithmetic.compiled else item_losses

    def losses(batch: Batch) -> torch.Tensor:
        crops = (part.to(device, non_blocking=True) for part in (batch.codes, batch.peak_db))
        task = parts.tasks[batch.source]
        return of_items(parts.network, parts.reader, task, *crops, batch.wanted, parts.arithmetic.precision)

    def step(batch: Batch) -> torch.Tensor:
        loss = losses(batch).mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return loss.detach()

    return losses, as_graphs(step, device) if device.type == "cuda" else step


def _started(parts: Parts) -> Position:
    """The position from which to train, that of the newest checkpoint if there is one; logged.

    Raises RunFailed if the checkpoint belongs to another run.
    """
    position = Position()
    position.iteration, position.loss_sums, position.loss_counts = _nothing_yet(parts)
    state, unreadable = read_checkpoint(parts.checkpoint_folder)
    if state is not None:
        if state["run_id"] != parts.run_id:
            raise RunFailed(f"{parts.checkpoint_folder}: a checkpoint of run {state['run_id']}, not {parts.run_id}")
        restore(state, parts.network, parts.optimiser, parts.generator, parts.device)
        position = Position(**{name: state[name] for name in asdict(position)})
    cut_log(parts.log_path, position.epoch)
    where = {"device": parts.device.type, "resident": parts.resident}
    write_line(parts.log_path, "started", **asdict(parts.arithmetic), **where)
    if state is not None or unreadable:
        write_line(parts.log_path, "resumed", step=position.steps, unreadable_checkpoints=unreadable)
    return position


def _nothing_yet(parts: Parts) -> tuple[int, list[float], list[int]]:
    """Iterations, sums of losses and their counts at the beginning of an epoch."""
    return 0, [0.0] * len(parts.tasks), [0] * len(parts.tasks)


def _epoch(
    parts: Parts,
    position: Position,
    clock: Clock,
    iterations: int,
    batches: Iterator[Batch],
    step: Callable[[Batch], torch.Tensor],
) -> list[float | None] | None:
    """Take the epoch's remaining steps; the mean loss of each source, None for one that was not drawn.

    None at the first look at a loss that is NaN or infinite.
    """
    sums = torch.tensor(position.loss_sums, dtype=torch.float64, device=parts.device)
    while position.iteration < iterations:
        batch = next(batches)
        sums[batch.source] += step(batch)
        position.loss_counts[batch.source] += 1
        position.iteration += 1
        position.steps += 1
        position.seconds = clock.seconds()
        look = position.iteration == iterations or position.steps % DIVERGENCE_CHECK_STEPS == 0
        if look and not _is_finite(sums):
            return None
        if clock.is_due(parts.settings.checkpoint_minutes):
            position.loss_sums = sums.tolist()
            state = capture(parts.network, parts.optimiser, batch.generator_state, parts.device) | asdict(position)
            write_checkpoint(parts.checkpoint_folder, position.steps, state | {"run_id": parts.run_id})
    return [total / n if n else None for total, n in zip(sums.tolist(), position.loss_counts, strict=True)]


def _log_epoch(
    parts: Parts, position: Position, means: list[float | None], validation: Mapping[str, float | None]
) -> None:
    finite = {name: loss if loss is not None and math.isfinite(loss) else None for name, loss in validation.items()}
    write_line(
        parts.log_path,
        "epoch",
        epoch=position.epoch,
        step=position.steps,
        seconds=round(position.seconds, 3),
        loss={task.name: mean for task, mean in zip(parts.tasks, means, strict=True)},
        validation_loss=finite,
    )


def _diverged(parts: Parts, position: Position, epoch: int) -> Trained:
    write_line(parts.log_path, "diverged", epoch=epoch, step=position.steps)
    return Trained("diverged", position.steps, position.seconds)


def _is_finite(values: torch.Tensor) -> bool:
    return bool(values.isfinite().all())
