"""The loss on each source's validation tracks: for monitoring, and for `select` and `patience` where they are set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from jobs.learning.batches import CropReader
from jobs.learning.tasks import Batch, Task, validation_batches
from jobs.networks.branching import Network
from study.core.run import seed_sequence


@torch.no_grad()
def validation_losses(
    network: Network,
    reader: CropReader,
    tasks: list[Task],
    batch_size: int,
    run_id: str,
    losses: Callable[[Batch], torch.Tensor],
) -> dict[str, float | None]:
    """Mean loss of each source over its validation tracks, always the same crops; None if it has none.

    The network is in evaluation mode meanwhile.
    """
    unchanging = np.random.default_rng(seed_sequence(run_id, "validation"))
    totals, counts = [0.0] * len(tasks), [0] * len(tasks)
    network.eval()
    for batch in validation_batches(unchanging, reader, tasks, batch_size):
        totals[batch.source] += float(losses(batch)[: batch.n].sum())
        counts[batch.source] += batch.n
    network.train()
    return {task.name: s / n if n else None for task, s, n in zip(tasks, totals, counts, strict=True)}
