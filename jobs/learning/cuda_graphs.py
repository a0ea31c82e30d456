"""Whole training steps as CUDA graphs: the GPU then works without waiting for Python.

Issuing one step of `base` kernel by kernel takes Python about 2 ms, longer than an H100 computes; replaying its graph
takes a tenth of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from jobs.learning.tasks import Batch

WARM_UP = 3
"""Ordinary steps of a source before its step is recorded: they compile, choose algorithms and allocate."""


Step = Callable[[tuple[Batch, ...]], tuple[Tensor, ...]]


def as_graphs(step: Step, device: torch.device) -> Step:
    """`step` (losses, gradients, update; it returns the losses), recorded once for each source, or once for all sources
    if a step has a batch of each, and replayed from then on.

    The losses are overwritten by the next step. Batches of a source must agree in shape. What else a step reads must
    be on the device, such as a learning rate that changes: numbers stay those of the recording.
    """
    pool, stream = torch.cuda.graph_pool_handle(), torch.cuda.Stream(device)
    taken: Counter[tuple[int, ...]] = Counter()
    recorded: dict[tuple[int, ...], tuple[torch.cuda.CUDAGraph, tuple[Batch, ...], tuple[Tensor, ...]]] = {}

    def replayed(batches: tuple[Batch, ...]) -> tuple[Tensor, ...]:
        sources = tuple(batch.source for batch in batches)
        taken[sources] += 1
        if taken[sources] <= WARM_UP:
            stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(stream):
                losses = step(batches)
            torch.cuda.current_stream(device).wait_stream(stream)
            return losses
        if sources not in recorded:
            own = tuple(_on(device, batch) for batch in batches)
            graph = torch.cuda.CUDAGraph()
            # batches may be pinned by another thread meanwhile
            with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                losses = step(own)
            recorded[sources] = graph, own, losses
        graph, own, losses = recorded[sources]
        for ours, theirs in zip(own, batches, strict=True):
            ours.codes.copy_(theirs.codes, non_blocking=True)
            ours.peak_db.copy_(theirs.peak_db, non_blocking=True)
            ours.wanted.copy_(theirs.wanted, non_blocking=True)
        graph.replay()
        return losses

    return replayed


def _on(device: torch.device, batch: Batch) -> Batch:
    """A copy of the batch in the device's own memory, for recorded steps to read."""
    return replace(
        batch,
        codes=batch.codes.to(device, copy=True),
        peak_db=batch.peak_db.to(device, copy=True),
        wanted=batch.wanted.clone(),
    )
