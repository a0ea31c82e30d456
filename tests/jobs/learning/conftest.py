from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.sound.mel_store import Counts, MelStore

MakeStore = Callable[..., MelStore]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make_store() -> MakeStore:
    """A mel store in memory: tracks of `n_frames` frames each, of noise or of `codes`, 0 to -80 dB."""

    def make(n_frames: Sequence[int], channels: int = 1, n_mels: int = 32, codes: np.ndarray | None = None) -> MelStore:
        lengths = np.asarray(n_frames)
        if codes is None:
            codes = np.random.default_rng(5).integers(0, 256, (lengths.sum(), channels, n_mels), dtype=np.uint8)
        names = np.array([f"track-{i}" for i in range(len(lengths))], dtype=object)
        peaks = np.zeros(len(lengths), dtype=np.float32)
        firsts = np.cumsum(lengths) - lengths
        return MelStore(Path("memory"), names, firsts, lengths, lengths, peaks, names, codes, Counts())

    return make
