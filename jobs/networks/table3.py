"""The base CNN of Kim et al. 2019, Table 3, as stages to be cut between.

Shapes for a crop of 216 frames (2.5 s) and 128 bands in stereo, at width 1, without the batch dimension:

    stage         in               kernel   stride    out of BN and ReLU   out of max-pool 2x2
    conv1         2 x 216 x 128    5x5      2 on time  16 x 108 x 128       16 x 54 x 64
    conv2         16 x 54 x 64     3x3                 32 x 54 x 64         32 x 27 x 32
    conv3         32 x 27 x 32     3x3                 64 x 27 x 32         64 x 13 x 16
    conv4         64 x 13 x 16     3x3                 64 x 13 x 16         64 x 6 x 8
    conv5         64 x 6 x 8       3x3                 128 x 6 x 8          128 x 3 x 4
    conv61        128 x 3 x 4      3x3                 256 x 3 x 4
    conv62        256 x 3 x 4      1x1                 256 x 3 x 4
    fc_feature    256 x 3 x 4 -> global average -> 256 -> fully connected, BN, ReLU -> 256: the representation

Convolutions have biases and zero padding; batch normalisation (BN) follows each of them and fc_feature. The
output layers, dropout before them, belong to the sources (`branching`, `self_pairs`).
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from study.cost import MINIMUM_FRAMES, MINIMUM_MELS, TABLE_3, Layer, scaled


def stages(first: int, last: int, channels: int, width: float) -> nn.Sequential:
    """Layers `first` to `last` (exclusive) of Table 3, each a named stage."""
    sizes = [channels] + [scaled(layer.filters, width) for layer in TABLE_3]
    built = [
        (layer.name, _fc_feature(*ends) if layer.name == "fc_feature" else _convolution(layer, *ends))
        for layer, ends in zip(TABLE_3, pairwise(sizes), strict=True)
    ]
    return nn.Sequential(OrderedDict(built[first:last]))


def check_crop(crop_frames: int, n_mels: int) -> None:
    """Raise ValueError if a crop is too small for Table 3's five halvings."""
    if crop_frames < MINIMUM_FRAMES or n_mels < MINIMUM_MELS:
        raise ValueError(
            f"Table 3 needs crops of at least {MINIMUM_FRAMES} frames and {MINIMUM_MELS} bands; "
            f"these have {crop_frames} frames and {n_mels} bands"
        )


def _convolution(layer: Layer, inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, layer.kernel, (layer.time_stride, 1), layer.kernel // 2)
    parts: list[tuple[str, nn.Module]] = [("conv", convolution), ("norm", nn.BatchNorm2d(outputs))]
    if layer.pool:
        # ReLU and max-pool commute, and ReLU after the pool has a quarter of the work
        parts.append(("pool", nn.MaxPool2d(2)))
    parts.append(("relu", nn.ReLU(inplace=True)))
    return nn.Sequential(OrderedDict(parts))


def _fc_feature(inputs: int, outputs: int) -> nn.Sequential:
    average = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    parts = (("gap", average), ("fc", nn.Linear(inputs, outputs)), ("norm", nn.BatchNorm1d(outputs)))
    return nn.Sequential(OrderedDict([*parts, ("relu", nn.ReLU(inplace=True))]))
