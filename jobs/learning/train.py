"""Training a run: Algorithm 1 of Kim et al. 2019, from top to bottom.

Each iteration draws a random source, a batch of tracks with its labels, and a crop of each. The network learns the
labels (`objectives`), or whether two crops are from one track. An epoch has L = l m iterations (or l, by setting).
Validation is for monitoring only, never for selection.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from jobs.learning.batches import Statistics, crop_reader, fits_on, prefetched
from jobs.learning.checkpoint import capture, read_checkpoint, restore, write_checkpoint
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.precision import Arithmetic, compiled
from jobs.learning.tasks import Batch, Task, item_losses, source_tasks, training_batches, validation_batches
from jobs.learning.training_log import cut_log, write_line
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
    optimiser = OPTIMISERS[settings.optimiser](list(network.parameters()), settings.learning_rate, settings.l2)
    resident = fits_on(device, store.frames.nbytes, gpu_share)
    reader = crop_reader(store, statistics, crop_frames, device, resident)
    tasks = source_tasks(network, labels, training_tracks, validation_tracks, device, loss_of, settings.reduction)
    step = compiled(item_losses, device, variants=2 * len(tasks)) if arithmetic.compiled else item_losses
    iterations = epoch_steps(len(training_tracks), settings.batch_size, len(tasks), settings.iterations)
    generator = np.random.default_rng(seed_sequence(run_id, "batches"))

    def losses(batch: Batch) -> torch.Tensor:
        if arithmetic.compiled:
            torch.compiler.cudagraph_mark_step_begin()
        crops = (part.to(device, non_blocking=True) for part in (batch.codes, batch.peak_db))
        return step(network, reader, tasks[batch.source], *crops, batch.wanted, arithmetic.precision)

    def validate() -> dict[str, float | None]:
        unchanging = np.random.default_rng(seed_sequence(run_id, "validation"))
        network.eval()
        mean_losses = _mean_losses(tasks, losses, validation_batches(unchanging, reader, tasks, settings.batch_size))
        network.train()
        return mean_losses

    batches = training_batches(generator, reader, tasks, settings.batch_size)
    if device.type == "cuda" and not resident:
        batches = prefetched(batches)
    with closing(batches), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(torch_seed(seed_sequence(run_id, "dropout")))
        position = Position(loss_sums=[0.0] * len(tasks), loss_counts=[0] * len(tasks))
        state, unreadable = read_checkpoint(checkpoint_folder)
        if state is not None:
            if state["run_id"] != run_id:
                raise RunFailed(f"{checkpoint_folder}: a checkpoint of run {state['run_id']}, not {run_id}")
            restore(state, network, optimiser, generator, device)
            position = Position(**{name: state[name] for name in asdict(position)})
        cut_log(log_path, position.epoch)
        write_line(log_path, "started", **asdict(arithmetic), device=device.type, resident=resident)
        if state is not None or unreadable:
            write_line(log_path, "resumed", step=position.steps, unreadable_checkpoints=unreadable)
        sums = torch.tensor(position.loss_sums, dtype=torch.float64, device=device)
        began = written = time.monotonic()
        earlier_s = position.seconds

        while position.epoch < settings.epochs:
            while position.iteration < iterations:
                batch = next(batches)
                loss = losses(batch).mean()
                loss.backward()
                optimiser.step()
                optimiser.zero_grad()

                sums[batch.source] += loss.detach()
                position.loss_counts[batch.source] += 1
                position.iteration += 1
                position.steps += 1
                position.seconds = earlier_s + time.monotonic() - began
                look = position.iteration == iterations or position.steps % DIVERGENCE_CHECK_STEPS == 0
                if look and not bool(sums.isfinite().all()):
                    write_line(log_path, "diverged", epoch=position.epoch + 1, step=position.steps)
                    return Trained("diverged", position.steps, position.seconds)
                if time.monotonic() - written >= 60 * settings.checkpoint_minutes:
                    position.loss_sums = sums.tolist()
                    state = capture(network, optimiser, batch.generator_state, device) | asdict(position)
                    write_checkpoint(checkpoint_folder, position.steps, state | {"run_id": run_id})
                    written = time.monotonic()

            position.epoch += 1
            means = zip(sums.tolist(), position.loss_counts, strict=True)
            watched = validate()
            finite = {name: loss for name, loss in watched.items() if loss is not None and math.isfinite(loss)}
            write_line(
                log_path,
                "epoch",
                epoch=position.epoch,
                step=position.steps,
                seconds=round(position.seconds, 3),
                loss={task.name: s / n if n else None for task, (s, n) in zip(tasks, means, strict=True)},
                validation_loss={name: finite.get(name) for name in watched},
            )
            position.iteration, position.loss_counts = 0, [0] * len(tasks)
            sums.zero_()
        position.seconds = earlier_s + time.monotonic() - began
        # training losses do not cover the last update, which followed the last loss
        lost = [name for name, loss in watched.items() if loss is not None and name not in finite]
        if lost or not all(bool(values.isfinite().all()) for values in network.state_dict().values()):
            write_line(log_path, "diverged", epoch=position.epoch, step=position.steps)
            return Trained("diverged", position.steps, position.seconds)
        return Trained("ok", position.steps, position.seconds)


@torch.no_grad()
def _mean_losses(
    tasks: list[Task], losses: Callable[[Batch], torch.Tensor], batches: Iterable[Batch]
) -> dict[str, float | None]:
    """Mean loss of each source over the batches' items; None if it has none."""
    totals, counts = [0.0] * len(tasks), [0] * len(tasks)
    for batch in batches:
        totals[batch.source] += float(losses(batch)[: batch.n].sum())
        counts[batch.source] += batch.n
    return {task.name: s / n if n else None for task, s, n in zip(tasks, totals, counts, strict=True)}
