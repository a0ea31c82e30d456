"""A mel store that is in memory alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jobs.sound.mel_store import Counts, MelStore


def memory_store(
    n_frames: Sequence[int],
    channels: int = 1,
    n_mels: int = 32,
    codes: np.ndarray | None = None,
    track_ids: Sequence[str] = (),
) -> MelStore:
    """Tracks of `n_frames` frames each, of noise or of `codes` (all frames, channels, n_mels), 0 to -80 dB."""
    lengths = np.asarray(n_frames)
    if codes is None:
        codes = np.random.default_rng(5).integers(0, 256, (lengths.sum(), channels, n_mels), dtype=np.uint8)
    names = np.array(track_ids or [f"track-{i}" for i in range(len(lengths))], dtype=object)
    peaks = np.zeros(len(lengths), dtype=np.float32)
    firsts = np.cumsum(lengths) - lengths
    return MelStore(Path("memory"), names, firsts, lengths, lengths, peaks, names, codes, Counts())
