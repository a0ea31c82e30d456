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


LEAST_PIECES, LEAST_SPREAD = 4, 0.15
"""Finished pieces, and their sizes' coefficient of variation, from which a fixed part and a rate are estimable."""


@dataclass
class Finished:
    """The finished pieces of a kind as sums: seconds and modelled cost, and by piece u, one over its modelled cost, and
    r, its seconds per modelled cost."""

    took_s: float = 0.0
    modelled: float = 0.0
    n: int = 0
    u: float = 0.0
    uu: float = 0.0
    r: float = 0.0
    ur: float = 0.0

    def add(self, modelled: float, seconds: float) -> None:
        self.took_s += seconds
        self.modelled += modelled
        if modelled > 0:
            u, r = 1 / modelled, seconds / modelled
            self.n, self.u, self.uu = self.n + 1, self.u + u, self.uu + u * u
            self.r, self.ur = self.r + r, self.ur + u * r

    def seconds(self, modelled: float) -> float:
        """Seconds of a piece: a fixed part (start, loading, writing) and a rate, by least squares of relative errors;
        in proportion while the pieces are few or alike, or where they show no fixed part."""
        spread = self.n * self.uu - self.u**2
        if self.n >= LEAST_PIECES and spread > (LEAST_SPREAD * self.u) ** 2:
            fixed_s = (self.n * self.ur - self.u * self.r) / spread
            rate = (self.r - fixed_s * self.u) / self.n
            if fixed_s > 0 and rate > 0:
                return fixed_s + rate * modelled
        return modelled * self.took_s / self.modelled


@dataclass
class Rates:
    """The finished pieces of each kind."""

    finished: dict[Kind, Finished] = field(default_factory=dict)

    def __contains__(self, kind: Kind) -> bool:
        return kind in self.finished and self.finished[kind].modelled > 0

    def add(self, work: Work, seconds: float) -> None:
        for kind in work.kinds:
            self.finished.setdefault(kind, Finished()).add(work.modelled, seconds)

    def seconds(self, work: Work) -> float | None:
        """Seconds that the piece will take; None while unknown."""
        for kind in work.kinds:
            if kind in self:
                return self.finished[kind].seconds(work.modelled)
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
