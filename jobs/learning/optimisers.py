"""The optimisers by their name in `[training] optimiser`.

Decay is coupled: `l2` times the weight is added to its gradient. A weight without a gradient (`None`: its branch was
not drawn) is left alone: no decay, no moments. On a GPU, step counters are kept there ("capturable"), for a step is
recorded as a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.optim import SGD, Adam, NAdam, Optimizer

SGD_MOMENTUM = 0.9


def _adam(parameters: list[nn.Parameter], lr: float, l2: float) -> Optimizer:
    return Adam(parameters, lr, weight_decay=l2, fused=True, capturable=parameters[0].is_cuda)


def _nadam(parameters: list[nn.Parameter], lr: float, l2: float) -> Optimizer:
    return NAdam(parameters, lr, weight_decay=l2, capturable=parameters[0].is_cuda)


OPTIMISERS: dict[str, Callable[[list[nn.Parameter], float, float], Optimizer]] = {
    "adam": _adam,
    # not fused, which fails if only some weights have had a gradient so far
    "sgd": lambda parameters, lr, l2: SGD(parameters, lr, momentum=SGD_MOMENTUM, weight_decay=l2),
    "nadam": _nadam,
}
"""(parameters, learning rate, l2) -> optimiser; all other settings are PyTorch's defaults."""
