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


def as_graphs(step: Callable[[Batch], Tensor], device: torch.device) -> Callable[[Batch], Tensor]:
    """`step` (loss, gradients, update; it returns the loss), recorded once for each source and replayed from then on.

    The loss is overwritten by the next step. Batches of a source must agree in shape.
    """
    pool, stream = torch.cuda.graph_pool_handle(), torch.cuda.Stream(device)
    taken: Counter[int] = Counter()
    recorded: dict[int, tuple[torch.cuda.CUDAGraph, Batch, Tensor]] = {}

    def replayed(batch: Batch) -> Tensor:
        source = batch.source
        taken[source] += 1
        if taken[source] <= WARM_UP:
            stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(stream):
                loss = step(batch)
            torch.cuda.current_stream(device).wait_stream(stream)
            return loss
        if source not in recorded:
            own = replace(
                batch,
                codes=batch.codes.to(device, copy=True),
                peak_db=batch.peak_db.to(device, copy=True),
                wanted=batch.wanted.clone(),
            )
            graph = torch.cuda.CUDAGraph()
            # batches may be pinned by another thread meanwhile
            with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                loss = step(own)
            recorded[source] = graph, own, loss
        graph, own, loss = recorded[source]
        for ours, theirs in ((own.codes, batch.codes), (own.peak_db, batch.peak_db), (own.wanted, batch.wanted)):
            ours.copy_(theirs, non_blocking=True)
        graph.replay()
        return loss

    return replayed
