"""Training a run: Algorithm 1 of Kim et al. 2019, from top to bottom.

Each iteration draws a random source, a batch of tracks with its labels, and a crop of each. The network learns the
labels (`objectives`), or whether two crops are from one track. An epoch has L = l m iterations (or l, by setting).
Under `schedule = "sum"` each iteration has a batch of every source, and an epoch l iterations.
Validation is for monitoring only, unless `select` or `patience` say otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from jobs.learning.batches import CropReader, Statistics, crop_reader, fits_on, prefetched
from jobs.learning.checkpoint import capture, read_checkpoint, restore, write_checkpoint
from jobs.learning.learning_rates import first_rate, rate_at, set_rate
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.position import Clock, Position
from jobs.learning.precision import Arithmetic, use_float32
from jobs.learning.selection import Best, overall, validated
from jobs.learning.tasks import Batch, Task, source_tasks, step_batches
from jobs.learning.training_log import cut_log, write_line
from jobs.learning.updates import Losses, Step, batch_losses, training_step
from jobs.learning.validation import validation_losses
from jobs.networks.branching import Network, torch_seed
from jobs.sound.mel_store import MelStore
from study.core.cost import epoch_steps
from study.core.errors import RunFailed
from study.core.run import seed_sequence
from study.core.sections import Training

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


@dataclass(frozen=True)
class Parts:
    """What a training works with from its first step to its last: `iterations` an epoch; `generator` draws batches."""

    run_id: str
    settings: Training
    iterations: int
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
    tasks = source_tasks(network, labels, training_tracks, validation_tracks, device, loss_of, settings)
    parts = Parts(
        run_id,
        settings,
        iterations_of_an_epoch(settings, len(training_tracks), len(tasks)),
        network,
        tasks,
        reader=crop_reader(store, statistics, crop_frames, device, resident),
        optimiser=_optimiser(network, settings, device),
        generator=np.random.default_rng(seed_sequence(run_id, "batches")),
        arithmetic=arithmetic,
        checkpoint_folder=checkpoint_folder,
        log_path=log_path,
    )
    losses = batch_losses(network, tasks, parts.reader, arithmetic)
    step = training_step(network, tasks, losses, parts.optimiser, settings, device)
    batches = _batches(parts)
    generators = [device] if device.type == "cuda" else []
    with closing(batches), use_float32(arithmetic.precision), torch.random.fork_rng(devices=generators):
        torch.manual_seed(torch_seed(seed_sequence(run_id, "dropout")))
        (position, best), validation = _started(parts), {}
        clock = Clock(position.seconds)
        while position.epoch < settings.epochs and not best.is_stale(position.epoch, settings.patience):
            means = _epoch(parts, position, best, clock, batches, step)
            if means is None:
                return _diverged(parts, position, position.epoch + 1)
            validation = _validated_epoch(parts, position, best, means, losses)
        position.seconds = clock.seconds()
        return _ended(parts, position, best, validation)


def iterations_of_an_epoch(settings: Training, n_training_tracks: int, n_sources: int) -> int:
    in_turn = settings.sources_in_turn(n_sources)
    return epoch_steps(n_training_tracks, settings.batch_size, in_turn, settings.iterations)


def _optimiser(network: Network, settings: Training, device: torch.device) -> torch.optim.Optimizer:
    rate, decoupled = first_rate(settings, device), settings.weight_decay == "decoupled"
    return OPTIMISERS[settings.optimiser](list(network.parameters()), rate, settings.l2, decoupled)


def _batches(parts: Parts) -> Iterator[tuple[Batch, ...]]:
    """The steps' batches; those that a GPU has to wait for are read ahead."""
    settings = parts.settings
    batches = step_batches(parts.generator, parts.reader, parts.tasks, settings.batch_size, settings.schedule)
    return prefetched(batches) if parts.device.type == "cuda" and not parts.resident else batches


def _is_selecting(settings: Training) -> bool:
    return settings.select == "best" or settings.patience is not None


def _started(parts: Parts) -> tuple[Position, Best]:
    """The position from which to train, that of the newest checkpoint if there is one, and the best epoch before it.

    Raises RunFailed if the checkpoint belongs to another run, or no source has validation tracks to select by.
    """
    if _is_selecting(parts.settings) and not validated(parts.tasks):
        raise RunFailed("[training] select, patience: no source of the run has validation tracks to be judged by")
    position, best = Position(), Best()
    position.iteration, position.loss_sums, position.loss_counts = _nothing_yet(parts)
    state, unreadable = read_checkpoint(parts.checkpoint_folder)
    if state is not None:
        if state["run_id"] != parts.run_id:
            raise RunFailed(f"{parts.checkpoint_folder}: a checkpoint of run {state['run_id']}, not {parts.run_id}")
        restore(state, parts.network, parts.optimiser, parts.generator, parts.device)
        position = Position(**{name: state[name] for name in asdict(position)})
        best = Best(**state.get("best", {}))  # checkpoints of before have none
    cut_log(parts.log_path, position.epoch)
    where = {"device": parts.device.type, "resident": parts.resident}
    write_line(parts.log_path, "started", **asdict(parts.arithmetic), **where)
    if state is not None or unreadable:
        write_line(parts.log_path, "resumed", step=position.steps, unreadable_checkpoints=unreadable)
    return position, best


def _nothing_yet(parts: Parts) -> tuple[int, list[float], list[int]]:
    """Iterations, sums of losses and their counts at the beginning of an epoch."""
    return 0, [0.0] * len(parts.tasks), [0] * len(parts.tasks)


def _epoch(
    parts: Parts,
    position: Position,
    best: Best,
    clock: Clock,
    steps: Iterator[tuple[Batch, ...]],
    step: Step,
) -> list[float | None] | None:
    """Take the epoch's remaining steps; the mean loss of each source, None for one that was not drawn.

    None at the first look at a loss that is NaN or infinite.
    """
    settings, iterations = parts.settings, parts.iterations
    sums = torch.tensor(position.loss_sums, dtype=torch.float64, device=parts.device)
    while position.iteration < iterations:
        batches = next(steps)
        if settings.learning_rate_schedule != "constant":
            set_rate(parts.optimiser, rate_at(settings, position.steps, settings.epochs * iterations))
        for batch, loss in zip(batches, step(batches), strict=True):
            sums[batch.source] += loss
            position.loss_counts[batch.source] += 1
        position.iteration += 1
        position.steps += 1
        position.seconds = clock.seconds()
        look = position.iteration == iterations or position.steps % DIVERGENCE_CHECK_STEPS == 0
        if look and not _is_finite(sums):
            return None
        if clock.is_due(settings.checkpoint_minutes):
            position.loss_sums = sums.tolist()
            state = capture(parts.network, parts.optimiser, batches[-1].generator_state, parts.device)
            state |= asdict(position) | {"run_id": parts.run_id, "best": vars(best)}
            write_checkpoint(parts.checkpoint_folder, position.steps, state)
    return [total / n if n else None for total, n in zip(sums.tolist(), position.loss_counts, strict=True)]


def _validated_epoch(
    parts: Parts, position: Position, best: Best, means: list[float | None], losses: Losses
) -> dict[str, float | None]:
    """End an epoch: its validation losses, which are logged and, if the run selects, compared with the best's."""
    settings = parts.settings
    position.epoch += 1
    validation = validation_losses(parts.network, parts.reader, parts.tasks, settings.batch_size, parts.run_id, losses)
    _log_epoch(parts, position, means, validation)
    if _is_selecting(settings):
        best.note(position.epoch, overall(validation, parts.tasks), parts.network, settings.select == "best")
    position.iteration, position.loss_sums, position.loss_counts = _nothing_yet(parts)
    return validation


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


def _ended(parts: Parts, position: Position, best: Best, validation: Mapping[str, float | None]) -> Trained:
    """Leave the network with the weights of the best epoch, if the run selects; "ok" if all that lasts is finite."""
    if best.weights is not None:
        parts.network.load_state_dict(best.weights)
        write_line(parts.log_path, "selected", of_epoch=best.epoch, validation_loss=best.loss)
        validation = {}  # that of another epoch
    # training losses do not cover the last update, which followed the last loss
    lasting = [loss for loss in validation.values() if loss is not None]
    if not all(map(math.isfinite, lasting)) or not all(map(_is_finite, parts.network.state_dict().values())):
        return _diverged(parts, position, position.epoch)
    return Trained("ok", position.steps, position.seconds)


def _diverged(parts: Parts, position: Position, epoch: int) -> Trained:
    write_line(parts.log_path, "diverged", epoch=epoch, step=position.steps)
    return Trained("diverged", position.steps, position.seconds)


def _is_finite(values: torch.Tensor) -> bool:
    return bool(values.isfinite().all())
