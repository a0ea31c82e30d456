"""Networks of the papers as parts, without their output layers; shapes are (maps, frames, bands)."""

from __future__ import annotations

from study.core.backbones.layers import Backbone, Convolution, Dense, Dropout, Flatten, Lstm

CYCON_ORDER = ("activation", "pool", "dropout", "norm")
CYCON = Backbone(
    (
        Convolution("conv1", 32, (3, 3), pool=(6, 2), after=CYCON_ORDER),
        Convolution("conv2", 64, (3, 3), pool=(16, 4), after=CYCON_ORDER),
        Convolution("conv3", 128, (3, 3), pool=(19, 6), after=CYCON_ORDER),
        Flatten("flatten"),
    )
)
"""Cycon 2020, Table 5.3."""

WELLS_K2C1 = Backbone(
    (
        Convolution("conv1", 152, (4, None), padded=False),
        *(Convolution(f"conv{number}", filters, (4, 1), pool=(4, 1), padded=False)
          for number, filters in enumerate((152, 152, 304, 304), 2)),
        Flatten("flatten"),
        Dense("dense1", 304, of=None, after=("activation",)),
        Dense("dense2", 304, of=None, after=("activation",)),
    )
)  # fmt: skip
"""Wells 2018, Tables 3.2 and 3.3."""

WELLS_K1C2 = Backbone(
    (
        *(Convolution(f"conv{number}", filters, (4, 1), pool=(pool, 1))
          for number, (filters, pool) in enumerate(((47, 4), (47, 5), (95, 8), (95, 8)), 1)),
        Flatten("flatten"),
        Dense("dense1", 95, of=None, after=("activation",)),
        Dense("dense2", 95, of=None, after=("activation",)),
    )
)  # fmt: skip
"""Wells 2018, Tables 3.4 and 3.5."""

WELLS_K2C2 = Backbone(
    (
        *(Convolution(f"conv{number}", filters, (3, 3), pool=pool)
          for number, (filters, pool) in enumerate(
              ((67, (4, 2)), (135, (4, 2)), (135, (4, 2)), (203, (5, 3)), (271, (4, 4))), 1)),
        Flatten("flatten"),
    )
)  # fmt: skip
"""Wells 2018, Tables 3.6 and 3.7."""

TAGGING_BASELINE = Backbone(
    (
        *(Convolution(f"conv{number}", filters, (3, 3), pool=pool)
          for number, (filters, pool) in enumerate(((64, (4, 4)), (128, (3, 3)), (128, (3, 3)), (64, (5, 2))), 1)),
        Flatten("flatten"),
    )
)  # fmt: skip
"""`auto-tagging-improvements`, Table 1."""


def tagging_new(fourth: int) -> Backbone:
    """`auto-tagging-improvements`, Table 5, with dropout 0.1 after each block (3.4); `fourth`: maps of the fourth."""
    pools = ((2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (3, 2))
    layers = []
    for number, (filters, pool) in enumerate(zip((128, 256, 256, fourth, 128, 128), pools, strict=True), 1):
        layers += [Convolution(f"conv{number}", filters, (3, 3), pool=pool), Dropout(f"dropout{number}", 0.1)]
    return Backbone((*layers, Flatten("flatten")))


RECURRENT = Backbone(
    (
        Convolution("frame", 16, (1, None), after=("pool", "norm", "activation"), pool=(2, 1)),
        Lstm("lstm", 12, depth=2, bidirectional=True, dropout=0.3),
        Dense("dense", 10),
    )
)
"""Of no paper: a stack of LSTMs in both directions."""
