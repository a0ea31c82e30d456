"""The backbones of `[training] backbone`: each a file with its layers as numbers, its shapes and its source.

Design, launch and status need their costs, so they belong to the core; `jobs/networks` builds them in PyTorch.
"""

from __future__ import annotations

from study.core.backbones import base, cnn4, k1c2, k2c1, k2c2, lstm, short_chunk
from study.core.backbones.layers import Backbone

BACKBONES: dict[str, Backbone] = {
    "base": base.BACKBONE,
    "k2c1": k2c1.BACKBONE,
    "k1c2": k1c2.BACKBONE,
    "k2c2": k2c2.BACKBONE,
    "short-chunk": short_chunk.BACKBONE,
    "cnn4": cnn4.BACKBONE,
    "lstm": lstm.BACKBONE,
}
