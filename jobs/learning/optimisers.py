"""The optimisers by their name in `[training] optimiser`.

Decay is coupled: `l2` times the weight is added to its gradient. A weight without a gradient (`None`: its branch was
not drawn) is left alone: no decay, no moments.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.optim import SGD, Adam, NAdam, Optimizer

SGD_MOMENTUM = 0.9


def _nadam(parameters: list[nn.Parameter], lr: float, l2: float) -> Optimizer:
    # keep step counters on the GPU; otherwise every step synchronises
    return NAdam(parameters, lr, weight_decay=l2, capturable=parameters[0].is_cuda)


OPTIMISERS: dict[str, Callable[[list[nn.Parameter], float, float], Optimizer]] = {
    "adam": lambda parameters, lr, l2: Adam(parameters, lr, weight_decay=l2, fused=True),
    # not fused, which fails if only some weights have had a gradient so far
    "sgd": lambda parameters, lr, l2: SGD(parameters, lr, momentum=SGD_MOMENTUM, weight_decay=l2),
    "nadam": _nadam,
}
"""(parameters, learning rate, l2) -> optimiser; all other settings are PyTorch's defaults."""
