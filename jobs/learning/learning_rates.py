"""The learning rate of each step (`[training] learning_rate_schedule`), as a function of the step alone.

A training that resumes therefore needs no more than its number of steps. On a GPU a step is recorded as a CUDA graph,
which would keep a number for ever: there the rate is a tensor that each step reads, where the optimiser can.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer

from study.core.sections import Training

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "linear": lambda done: 1 - done,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
}
"""From the part of the steps that is done, at least 0 and below 1, to the part of `learning_rate`.

"cosine": Loshchilov and Hutter 2017, Eq. 5, without restarts and down to 0.
"""
WITH_TENSORS = ("adam", "nadam")
"""Optimisers of PyTorch that take the rate from a tensor without copying it to the host; SGD does not."""


def rate_at(settings: Training, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, of a training of so many steps."""
    return settings.learning_rate * SCHEDULES[settings.learning_rate_schedule](step / steps)


def first_rate(settings: Training, device: torch.device) -> float | Tensor:
    """The rate to give to the optimiser."""
    if settings.learning_rate_schedule != "constant" and device.type == "cuda" and settings.optimiser in WITH_TENSORS:
        return torch.tensor(settings.learning_rate, device=device)
    return settings.learning_rate


def can_be_recorded(settings: Training) -> bool:
    """Whether a step may be replayed from a recording, in which a rate that is a number would never change."""
    return settings.learning_rate_schedule == "constant" or settings.optimiser in WITH_TENSORS


def set_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)  # in place, for recorded steps read this tensor
        else:
            group["lr"] = rate
