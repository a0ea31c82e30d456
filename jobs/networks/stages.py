"""A backbone (`study.core.backbones`) as PyTorch modules: a sequence of named stages to cut between."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from jobs.networks.folded_convolution import FoldableConvolution
from study.core.backbones.layers import Backbone, Convolution, Dense, Layer, Lstm, Shape

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "elu": partial(nn.ELU, inplace=True),
    "gelu": nn.GELU,
}
MONOTONE = ("relu", "elu")
"""Activations that commute with max-pool. GELU falls before it rises, so its maximum may come from another input."""


def stages(first: int, last: int, backbone: Backbone, crop: Shape, width: float, activation: str) -> nn.Sequential:
    """Layers `first` to `last` (exclusive) of a backbone, each a stage of its name.

    `crop` is (channels, frames, bands); it fixes the sizes of layers over all bands. Other layers are built
    as well and dropped, so that a seed gives the weights of the whole network.
    """
    shapes = [crop, *(cost.shape for cost in backbone.costs(crop, width))]
    built = [
        (layer.name, BUILDERS[type(layer)](layer, *ends, activation))
        for layer, ends in zip(backbone.layers, pairwise(shapes), strict=True)
    ]
    return nn.Sequential(OrderedDict(built[first:last]))


class OverFrames(nn.Module):
    """An LSTM over (batch, maps, frames, 1) with output (batch, units, frames, 1)."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, units, batch_first=True)

    def forward(self, maps: Tensor) -> Tensor:
        states, _ = self.lstm(maps.squeeze(3).transpose(1, 2))
        return states.transpose(1, 2).unsqueeze(3)


def _convolution(layer: Convolution, before: Shape, after: Shape, activation: str) -> nn.Module:
    inputs, _, bands = before
    outputs, *_ = after
    kernel = layer.kernel_over(bands)
    in_time, in_bands = (layer.kernel[0], layer.kernel[1] or 1) if layer.padded else (1, 1)
    padding = (in_time - 1) // 2, (in_bands - 1) // 2
    parts: list[tuple[str, nn.Module]] = []
    if in_time % 2 == 0 or in_bands % 2 == 0:
        # an even kernel needs one more zero after than before, which a convolution cannot pad by itself
        parts.append(("pad", nn.ZeroPad2d((0, 1 - in_bands % 2, 0, 1 - in_time % 2))))
    convolution = FoldableConvolution(inputs, outputs, kernel, (layer.time_stride, 1), padding)
    parts += [("conv", convolution), ("norm", nn.BatchNorm2d(outputs)), ("activation", ACTIVATIONS[activation]())]
    if layer.pool != (1, 1):
        # after the pool, a monotone activation gives the same result with a fraction of the work
        parts.insert(len(parts) - (activation in MONOTONE), ("pool", nn.MaxPool2d(layer.pool)))
    return nn.Sequential(OrderedDict(parts))


def _lstm(layer: Lstm, before: Shape, after: Shape, activation: str) -> nn.Module:
    return OverFrames(before[0], after[0])


def _dense(layer: Dense, before: Shape, after: Shape, activation: str) -> nn.Module:
    maps, _, bands = before
    units, *_ = after
    inputs = maps * bands if layer.of == "mean of frames" else maps
    parts = [
        ("fc", nn.Linear(inputs, units)),
        ("norm", nn.BatchNorm1d(units)),
        ("activation", ACTIVATIONS[activation]()),
    ]
    if layer.of is not None:
        parts.insert(0, ("summary", nn.Sequential(SUMMARIES[layer.of](), nn.Flatten())))
    return nn.Sequential(OrderedDict(parts))


SUMMARIES: Mapping[str, Callable[[], nn.Module]] = {
    "mean": partial(nn.AdaptiveAvgPool2d, 1),
    "max": partial(nn.AdaptiveMaxPool2d, 1),
    "mean of frames": partial(nn.AdaptiveAvgPool2d, (1, None)),
}
BUILDERS: Mapping[type[Layer], Callable[..., nn.Module]] = {Convolution: _convolution, Lstm: _lstm, Dense: _dense}
