"""A backbone (`study.core.backbones`) as PyTorch modules: a sequence of named stages to cut between."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from jobs.networks.folded_convolution import FoldableConvolution
from study.core.backbones.layers import Backbone, Convolution, Cost, Dense, Dropout, Flatten, Layer, Lstm, Module, Shape

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
    costs = backbone.costs(crop, width) or measured_costs(backbone, crop, width, activation)
    shapes = [crop, *(cost.shape for cost in costs)]
    built = [
        (layer.name, BUILDERS[type(layer)](layer, *ends, activation, width))
        for layer, ends in zip(backbone.layers, pairwise(shapes), strict=True)
    ]
    return nn.Sequential(OrderedDict(built[first:last]))


def measured_costs(backbone: Backbone, crop: Shape, width: float = 1.0, activation: str = "relu") -> list[Cost]:
    """The cost of each layer for a crop of (channels, frames, bands), counted in a forward pass without values.

    Raises ValueError if the layers do not end in one vector per crop.
    """
    costs: list[Cost] = []
    with torch.device("meta"), torch.no_grad():  # where recurrent layers are counted, too
        values = torch.zeros(1, *crop)
        for layer in backbone.layers:
            shape = (*values.shape[1:], 1, 1)[:3]
            after = layer.cost(shape, width)
            module = BUILDERS[type(layer)](layer, shape, after.shape if after else shape, activation, width).eval()
            with FlopCounterMode(display=False) as counted:
                values = module(values)
            parameters = sum(each.numel() for each in module.parameters() if each.requires_grad)
            costs.append(Cost(parameters, counted.get_total_flops(), (*values.shape[1:], 1, 1)[:3]))
    if values.ndim != 2:
        raise ValueError(
            f"expected one vector per crop, (batch, units), from the last layer; found {tuple(values.shape)}"
        )
    return costs


class OverFrames(nn.Module):
    """LSTMs over (batch, maps, frames, 1) with output (batch, units, frames, 1)."""

    def __init__(
        self, inputs: int, units: int, depth: int = 1, bidirectional: bool = False, dropout: float = 0
    ) -> None:
        super().__init__()
        settings = {"batch_first": True, "bidirectional": bidirectional, "dropout": dropout}
        self.lstm = nn.LSTM(inputs, units, depth, **settings)

    def forward(self, maps: Tensor) -> Tensor:
        states, _ = self.lstm(maps.squeeze(3).transpose(1, 2))
        return states.transpose(1, 2).unsqueeze(3)


def _convolution(layer: Convolution, before: Shape, after: Shape, activation: str, width: float) -> nn.Module:
    inputs, _, bands = before
    outputs, *_ = after
    kernel = layer.kernel_over(bands)
    in_time, in_bands = (layer.kernel[0], layer.kernel[1] or 1) if layer.padded else (1, 1)
    padding = (in_time - 1) // 2, (in_bands - 1) // 2
    parts: list[tuple[str, nn.Module]] = []
    if in_time % 2 == 0 or in_bands % 2 == 0:
        # an even kernel needs one more zero after than before, which a convolution cannot pad by itself
        parts.append(("pad", nn.ZeroPad2d((0, 1 - in_bands % 2, 0, 1 - in_time % 2))))
    parts.append(("conv", FoldableConvolution(inputs, outputs, kernel, (layer.time_stride, 1), padding)))
    pool = None if layer.pool == (1, 1) else nn.MaxPool2d(layer.pool)
    return nn.Sequential(OrderedDict(parts + _after(layer, nn.BatchNorm2d(outputs), pool, activation)))


def _lstm(layer: Lstm, before: Shape, after: Shape, activation: str, width: float) -> nn.Module:
    units = after[0] // (2 if layer.bidirectional else 1)
    return OverFrames(before[0], units, layer.depth, layer.bidirectional, layer.dropout)


def _dense(layer: Dense, before: Shape, after: Shape, activation: str, width: float) -> nn.Module:
    maps, _, bands = before
    units, *_ = after
    inputs = maps * bands if layer.of == "mean of frames" else maps
    parts: list[tuple[str, nn.Module]] = [("fc", nn.Linear(inputs, units))]
    if layer.of is not None:
        parts.insert(0, ("summary", nn.Sequential(SUMMARIES[layer.of](), nn.Flatten())))
    return nn.Sequential(OrderedDict(parts + _after(layer, nn.BatchNorm1d(units), None, activation)))


def _after(
    layer: Convolution | Dense, norm: nn.Module, pool: nn.Module | None, activation: str
) -> list[tuple[str, nn.Module]]:
    """What follows the weights of a layer, in its order."""
    order = [part for part in layer.after if part != "pool" or pool is not None]
    if activation in MONOTONE and ("activation", "pool") in pairwise(order):
        # after the pool, a monotone activation gives the same result with a fraction of the work
        at = order.index("activation")
        order[at : at + 2] = ["pool", "activation"]
    made = {
        "norm": lambda: norm,
        "activation": ACTIVATIONS[activation],
        "pool": lambda: pool,
        "dropout": lambda: nn.Dropout(layer.dropout),
    }
    return [(part, made[part]()) for part in order]


def _flatten(layer: Flatten, before: Shape, after: Shape, activation: str, width: float) -> nn.Module:
    return nn.Flatten()


def _dropout(layer: Dropout, before: Shape, after: Shape, activation: str, width: float) -> nn.Module:
    return nn.Dropout(layer.rate)


def _module(layer: Module, before: Shape, after: Shape, activation: str, width: float) -> nn.Module:
    module: nn.Module = layer.build(before, width, activation)
    return module


SUMMARIES: Mapping[str, Callable[[], nn.Module]] = {
    "mean": partial(nn.AdaptiveAvgPool2d, 1),
    "max": partial(nn.AdaptiveMaxPool2d, 1),
    "mean of frames": partial(nn.AdaptiveAvgPool2d, (1, None)),
}
BUILDERS: Mapping[type[Layer], Callable[..., nn.Module]] = {
    Convolution: _convolution,
    Lstm: _lstm,
    Dense: _dense,
    Flatten: _flatten,
    Dropout: _dropout,
    Module: _module,
}
