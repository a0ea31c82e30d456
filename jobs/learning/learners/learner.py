"""What every learner is called with, and what it gives.

    learn(context, **settings) -> Learned

A learner is one function. It is called when a run is to be learned. If it gives a network, that is stored, and the
function is not called again. If it gives another function, it is called again whenever a further target is to be
represented; it then finds in `context.folder` what it left there, and must give the same function again. The same
holds after a kill: it goes on from what it left in the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from jobs.learning.batches import Statistics
from jobs.learning.precision import Arithmetic
from jobs.networks.branching import Network
from jobs.sound.mel_store import MelStore
from study.core.factors import Level
from study.core.run import seed_sequence
from study.core.sections import Mel, Training
from study.core.strategies import Strategy

Gives = Literal["network", "crops", "files"]
"""What a learner gives: a network of this program, a function of crops, or a function of files."""


@dataclass(frozen=True)
class Context:
    """What a run is learned from.

    `sharing` is the definition of its `strategy`. `levels` has the run's level of every factor, `settings` the
    `[training]` that they make. `labels`: source -> (tracks of the store, factors); a row of NaN is a track without
    labels, and sources that need no table are absent. `objectives` says how each source is learned. Tracks are
    indices into `store`, the sound of the corpus, whose bands have the `statistics` in dB. `folder` is the run's
    own and survives a kill; `log_path` gets one line per epoch.
    """

    run_id: str
    strategy: str
    sharing: Strategy
    sources: tuple[str, ...]
    levels: Mapping[str, Level]
    settings: Training
    objectives: Mapping[str, str]
    labels: Mapping[str, np.ndarray]
    source_factors: Mapping[str, int | None]
    store: MelStore
    statistics: Statistics
    crop_frames: int
    training_tracks: np.ndarray
    validation_tracks: np.ndarray
    sample_rate_hz: int
    mel: Mel
    device: str
    threads: int
    gpu_share: float
    arithmetic: Arithmetic
    folder: Path
    log_path: Path

    def seed(self, purpose: str) -> np.random.SeedSequence:
        """The randomness of one purpose of this run, independent of all others."""
        return seed_sequence(self.run_id, purpose)


@dataclass(frozen=True)
class Learned:
    """What was learned: one of `network`, `of_crops` and `of_file`, unless the training diverged.

    `of_crops`: standardised crops (batch, channels, frames, bands) to vectors (batch, d), in evaluation mode, without
    gradients. `of_file`: the path of a sound to vectors of its parts in turn (n_parts, d). A track has the mean and the
    deviation of each dimension over its slices or parts. `dimensions` is d. A network says itself what it has of
    dimensions and parameters.
    """

    network: Network | None = None
    of_crops: Callable[[Tensor], Tensor] | None = None
    of_file: Callable[[Path], np.ndarray] | None = None
    dimensions: int = 0
    n_parameters: int = 0
    steps: int = 0
    seconds: float | None = None
    """All attempts together; None: what this call took."""
    precision: str = "float32"
    outcome: Literal["ok", "diverged"] = "ok"

    def __post_init__(self) -> None:
        given = [part for part in (self.network, self.of_crops, self.of_file) if part is not None]
        if self.outcome == "ok" and len(given) != 1:
            raise ValueError("a learner gives one of `network`, `of_crops` and `of_file`")
        if self.outcome == "ok" and self.network is None and self.dimensions < 1:
            raise ValueError("a learner that gives a function says how many `dimensions` its vectors have")

    @property
    def size(self) -> tuple[int, int]:
        """The dimensions of its vectors, and its parameters."""
        if self.network is None:
            return self.dimensions, self.n_parameters
        return self.network.representation_dim, self.network.n_parameters

    @property
    def gives(self) -> Gives:
        """Which of the three it is."""
        if self.of_crops is not None:
            return "crops"
        return "network" if self.of_file is None else "files"


@dataclass(frozen=True)
class Learner:
    """A learner, by its one function: `learn(context, **settings) -> Learned`."""

    learn: Callable[..., Learned]
