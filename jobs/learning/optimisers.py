"""The optimisers by their name in `[training] optimiser`.

Decay is coupled (`l2` times the weight is added to its gradient) or decoupled (the weight itself loses `l2` times the
learning rate of itself; Loshchilov and Hutter 2019). A weight without a gradient (`None`: its branch was
not drawn) is left alone: no decay, no moments. On a GPU, step counters are kept there ("capturable"), for a step is
recorded as a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.optim import SGD, Adam, NAdam, Optimizer

SGD_MOMENTUM = 0.9

Rate = float | Tensor


def _adam(parameters: list[nn.Parameter], lr: Rate, l2: float, decoupled: bool = False) -> Optimizer:
    on_gpu = parameters[0].is_cuda
    return Adam(parameters, lr, weight_decay=l2, fused=True, capturable=on_gpu, decoupled_weight_decay=decoupled)


def _nadam(parameters: list[nn.Parameter], lr: Rate, l2: float, decoupled: bool = False) -> Optimizer:
    return NAdam(parameters, lr, weight_decay=l2, capturable=parameters[0].is_cuda, decoupled_weight_decay=decoupled)


def _sgd(parameters: list[nn.Parameter], lr: Rate, l2: float, decoupled: bool = False) -> Optimizer:
    if decoupled:
        raise ValueError("SGD has no decoupled weight decay")
    # not fused, which fails if only some weights have had a gradient so far
    return SGD(parameters, lr, momentum=SGD_MOMENTUM, weight_decay=l2)


OPTIMISERS: dict[str, Callable[..., Optimizer]] = {"adam": _adam, "sgd": _sgd, "nadam": _nadam}
"""(parameters, learning rate, l2, decoupled) -> optimiser; all other settings are PyTorch's defaults."""
