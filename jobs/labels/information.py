"""How much of a label table's information its labels keep."""

from __future__ import annotations

import numpy as np


def kept_information(labels: np.ndarray, values: np.ndarray | None = None) -> float:
    """I(track; factor) over its maximum: 0 if all tracks have the same labels, 1 if nothing is lost.

    `labels` (n_tracks, factors), n_tracks >= 1: distributions, or rows of 0 and 1 that count as distributions with
    equal shares; rows of NaN (no label) are left out. Tracks are equally probable, so that the information
    is the entropy of the mean distribution less the mean entropy. The maximum is min(H(value), ln factors) if
    each track has one of `values` (n_tracks,), and ln factors for bags of terms.
    """
    present = ~np.isnan(labels).any(axis=1)
    shares = labels[present].astype(np.float64)
    shares /= shares.sum(axis=1, keepdims=True)
    most = np.log(labels.shape[1])
    if values is not None:
        _, counts = np.unique(values[present], return_counts=True)
        most = min(most, _entropy(counts / counts.sum()))
    return float((_entropy(shares.mean(axis=0)) - _entropy(shares).mean()) / most)


def _entropy(shares: np.ndarray) -> np.ndarray:
    """In nat, over the last axis."""
    return -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=-1)
