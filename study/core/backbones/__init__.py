"""The backbones of `[training] backbone`: each a file with its layers as numbers, its shapes and its source.

Design, launch and status need their costs, so they belong to the core; `jobs/networks` builds them in PyTorch.
Installed packages may add their own.
"""

from __future__ import annotations

import sys
from functools import lru_cache

from study.core import extensions
from study.core.backbones import cnn4, k1c2, k2c1, k2c2, kim2019, lstm, short_chunk
from study.core.backbones.layers import Backbone

BACKBONES: dict[str, Backbone] = {
    "base": kim2019.BACKBONE,
    "k2c1": k2c1.BACKBONE,
    "k1c2": k1c2.BACKBONE,
    "k2c2": k2c2.BACKBONE,
    "short-chunk": short_chunk.BACKBONE,
    "cnn4": cnn4.BACKBONE,
    "lstm": lstm.BACKBONE,
}


def backbone_named(name: str) -> Backbone:
    """One of ours, or that of an installed package, which is then imported. Raises InputFaults if there is none."""
    return BACKBONES[name] if name in BACKBONES else _installed(name, tuple(sys.path))


@lru_cache(maxsize=64)
def _installed(name: str, path: tuple[str, ...]) -> Backbone:
    """What is on `path` is imported only once."""
    return extensions.load_extension(extensions.BACKBONES, name, Backbone)
