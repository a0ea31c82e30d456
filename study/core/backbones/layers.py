"""Layers in numbers: their cost and output shape, in closed form and without PyTorch.

`jobs/networks/stages.py` builds each kind of layer as a module; batch normalisation (BN) is part of a layer. A layer of
a package's own may be any module.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from study.core.strategies import ALL, NONE

REPRESENTATION_UNITS = 256
"""Units of fc_feature, the last layer of every backbone, at width 1: dimensions of the representation per branch."""

Shape = tuple[int, int, int]
"""Maps (channels or units), frames, bands; without the batch dimension."""


class Cost(NamedTuple):
    """A layer's cost for one crop: trainable parameters, multiplications and additions of the forward pass (without
    biases and BN), and its output shape."""

    parameters: int
    flops: int
    shape: Shape


Part = Literal["norm", "activation", "pool", "dropout"]


@dataclass(frozen=True)
class Convolution:
    """Convolution with biases, and what follows it, in the order of `after`; `kernel` and `pool` are (frames, bands).

    A kernel without bands covers all bands at once and leaves one. With zero padding, the numbers of frames and bands
    do not change; `time_stride` applies to frames alone. `dropout` is the rate of that part.
    """

    name: str
    filters: int
    kernel: tuple[int, int | None]
    pool: tuple[int, int] = (1, 1)
    time_stride: int = 1
    padded: bool = True
    after: tuple[Part, ...] = ("norm", "activation", "pool")
    dropout: float = 0.5

    def kernel_over(self, bands: int) -> tuple[int, int]:
        return self.kernel[0], self.kernel[1] or bands

    def cost(self, shape: Shape, width: float) -> Cost:
        inputs, frames, bands = shape
        outputs, kernel = scaled(self.filters, width), self.kernel_over(bands)
        weights = inputs * outputs * math.prod(kernel)
        frames = math.ceil((frames - self._lost(kernel[0])) / self.time_stride)
        bands = 1 if self.kernel[1] is None else bands - self._lost(kernel[1])
        left = outputs, frames // self.pool[0], bands // self.pool[1]
        return Cost(weights + _vectors(self.after) * outputs, 2 * frames * bands * weights, left)

    def minimum(self, frames: int, bands: int) -> tuple[int, int]:
        """The smallest input, in frames and bands, for an output of this size."""
        convolved = frames * self.pool[0], bands * self.pool[1]
        fewest = (convolved[0] - 1) * self.time_stride + 1 + self._lost(self.kernel[0])
        return fewest, 1 if self.kernel[1] is None else convolved[1] + self._lost(self.kernel[1])

    def _lost(self, kernel: int) -> int:
        return 0 if self.padded else kernel - 1


@dataclass(frozen=True)
class Lstm:
    """Long short-term memory over frames, `depth` of them in a stack, with dropout between; its input has one band.

    In both directions, outputs are concatenated: twice the units.
    """

    name: str
    units: int
    depth: int = 1
    bidirectional: bool = False
    dropout: float = 0.0

    def cost(self, shape: Shape, width: float) -> Cost:
        inputs, frames, _ = shape
        units, directions = scaled(self.units, width), 2 if self.bidirectional else 1
        below = [inputs, *[directions * units] * (self.depth - 1)]
        weights = directions * sum(4 * units * (each + units) for each in below)
        biases = directions * self.depth * 8 * units
        return Cost(weights + biases, 2 * frames * weights, (directions * units, frames, 1))

    def minimum(self, frames: int, bands: int) -> tuple[int, int]:
        return frames, bands


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with biases, and what follows it, in the order of `after`, on a summary of the maps.

    `of`: the "mean" or "max" of each map, the "mean of frames" (each band for itself), or None after another Dense or
    Flatten. `dropout` is the rate of that part.
    """

    name: str
    units: int
    of: Literal["mean", "max", "mean of frames"] | None = "mean"
    after: tuple[Part, ...] = ("norm", "activation")
    dropout: float = 0.5

    def cost(self, shape: Shape, width: float) -> Cost:
        maps, _, bands = shape
        units = scaled(self.units, width)
        weights = units * maps * (bands if self.of == "mean of frames" else 1)
        return Cost(weights + _vectors(self.after) * units, 2 * weights, (units, 1, 1))

    def minimum(self, frames: int, bands: int) -> tuple[int, int]:
        return 1, 1


@dataclass(frozen=True)
class Flatten:
    """All maps, frames and bands as one vector: what follows it is for crops of a single length."""

    name: str

    def cost(self, shape: Shape, width: float) -> Cost:
        return Cost(0, 0, (math.prod(shape), 1, 1))

    def minimum(self, frames: int, bands: int) -> tuple[int, int]:
        return 1, 1


@dataclass(frozen=True)
class Dropout:
    """Dropout of a rate, as a layer of its own."""

    name: str
    rate: float = 0.5

    def cost(self, shape: Shape, width: float) -> Cost:
        return Cost(0, 0, shape)

    def minimum(self, frames: int, bands: int) -> tuple[int, int]:
        return frames, bands


@dataclass(frozen=True)
class Module:
    """A layer of a package's own: `build(shape, width, activation)` gives any `torch.nn.Module`.

    `shape` is that of its input, (maps, frames, bands), as the layers before leave it; as the first layer it gets crops
    (batch, channels, frames, bands). `smallest` is its least input in frames and bands. `declared(shape, width)`, if
    given, is its `Cost`; else `study prepare` measures it.
    """

    name: str
    build: Callable[[Shape, float, str], Any]
    smallest: tuple[int, int] = (1, 1)
    declared: Callable[[Shape, float], Cost] | None = None

    def cost(self, shape: Shape, width: float) -> Cost | None:
        return None if self.declared is None else self.declared(shape, width)

    def minimum(self, frames: int, bands: int) -> tuple[int, int]:
        return max(frames, self.smallest[0]), max(bands, self.smallest[1])


Layer = Convolution | Lstm | Dense | Flatten | Dropout | Module


def _vectors(after: tuple[Part, ...]) -> int:
    """Trained vectors per output: biases, and scale and shift of a normalisation."""
    return 3 if "norm" in after else 1


BRANCHING_POINTS = ("@2", "@4", "@6")
"""Where MS-CR@2, MS-CR@4 and MS-CR@6 branch (Kim et al. 2019, Fig. 5)."""


@dataclass(frozen=True)
class Backbone:
    """A network up to the representation: its layers in order, each a stage that strategies can cut after.

    The last one gives the representation, one vector per crop. `branches_after`: how many layers the sources share at
    each of the `BRANCHING_POINTS`; without it, the strategies that branch there are not for this network.
    """

    layers: tuple[Layer, ...]
    branches_after: tuple[int, int, int] | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """The layers' names, in order."""
        return tuple(layer.name for layer in self.layers)

    @property
    def shares(self) -> Mapping[str, int]:
        """What sources may share -> how many layers that are: none, up to a branching point or a stage, all."""
        points = dict(zip(BRANCHING_POINTS, self.branches_after or (), strict=False))
        stages = {name: number for number, name in enumerate(self.stages, 1)}
        return {NONE: 0, **points, **stages, ALL: len(self.layers)}

    @property
    def minimum_crop(self) -> tuple[int, int]:
        """Frames and bands of the smallest crop that no layer reduces to nothing."""
        frames = bands = 1
        for layer in reversed(self.layers):
            frames, bands = layer.minimum(frames, bands)
        return frames, bands

    @property
    def has_one_length(self) -> bool:
        """Whether its crops all have the length that it is built for."""
        return any(isinstance(layer, Flatten | Module) for layer in self.layers)

    def costs(self, crop: Shape, width: float = 1.0) -> list[Cost] | None:
        """The cost of each layer, for a crop of (channels, frames, bands); None if a layer declares none."""
        costs: list[Cost] = []
        for layer in self.layers:
            cost = layer.cost(costs[-1].shape if costs else crop, width)
            if cost is None:
                return None
            costs.append(cost)
        return costs


def scaled(filters: int, width: float) -> int:
    """The number of filters or units at a width."""
    return max(1, round(filters * width))
