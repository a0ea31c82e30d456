"""How long work takes: a model of each piece, corrected by the pieces that have finished.

A piece is compared with finished pieces of its own kind or, without any, of the next wider kind. The time to go
follows from the remaining pieces and from how many of them run at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Unit = Literal["GPU-hours", "CPU-hours"]
Kind = tuple[object, ...]


@dataclass(frozen=True)
class Work:
    """A piece of work: its `modelled` seconds, and its kinds, the narrowest first.

    If `in_seconds` is false, the model gives proportions only; the time is unknown until a piece of that kind finishes.
    """

    kinds: tuple[Kind, ...]
    modelled: float
    in_seconds: bool = False


@dataclass
class Rates:
    """For each kind, the seconds that its finished pieces took and their modelled cost."""

    took_s: dict[Kind, float] = field(default_factory=dict)
    modelled: dict[Kind, float] = field(default_factory=dict)

    def add(self, work: Work, seconds: float) -> None:
        for kind in work.kinds:
            self.took_s[kind] = self.took_s.get(kind, 0.0) + seconds
            self.modelled[kind] = self.modelled.get(kind, 0.0) + work.modelled

    def seconds(self, work: Work) -> float | None:
        """Seconds that the piece will take; None while unknown."""
        for kind in work.kinds:
            if self.modelled.get(kind):
                return work.modelled * self.took_s[kind] / self.modelled[kind]
        return work.modelled if work.in_seconds else None


@dataclass(frozen=True)
class Slots:
    """How many steps run at a time: `training` steps, which hold a GPU if there is one, and `all` steps together."""

    training: int
    all: int
    on_gpu: bool = False


@dataclass(frozen=True)
class Left:
    """A remaining step: its run, whether it trains (or represents), and its seconds."""

    run_id: str
    trains: bool
    seconds: float


def slots_of(cpus: float, gpus: float, threads: int, gpu_share: float) -> Slots:
    """Steps that these CPUs and GPUs hold at a time: each `threads` CPUs and, if it trains, `gpu_share` of a GPU."""
    fit = max(int(cpus // threads), 1)
    if not gpus:
        return Slots(fit, fit)
    return Slots(min(fit, max(int(gpus / gpu_share + 1e-9), 1)), fit, on_gpu=True)


def time_to_go_s(left: Iterable[Left], slots: Slots) -> float:
    """Seconds until all is done: a lower bound, the largest of three.

    Training steps spread over the training slots; all steps spread over all slots; the longest single run. A run's
    evaluations wait for its training and then run side by side.
    """
    training_s, all_s = 0.0, 0.0
    training_of: dict[str, float] = {}
    evaluation_of: dict[str, float] = {}
    for step in left:
        all_s += step.seconds
        if step.trains:
            training_s += step.seconds
            training_of[step.run_id] = training_of.get(step.run_id, 0.0) + step.seconds
        else:
            evaluation_of[step.run_id] = max(evaluation_of.get(step.run_id, 0.0), step.seconds)
    runs = training_of.keys() | evaluation_of.keys()
    longest = max((training_of.get(run, 0.0) + evaluation_of.get(run, 0.0) for run in runs), default=0.0)
    return max(training_s / slots.training, all_s / slots.all, longest)
