"""The released network and loss of Kim et al. 2019, stated again from its description, layer by layer, on weights of
ours by their names: https://github.com/eldrin/MTLMusicRepresentation-PyTorch, `musmtl/model.py` and `musmtl/train.py`.

It pools after ReLU, averages over time and bands, and takes KL's mean over the batch and the outputs. Dropout is left
out, and batch normalisation is by the batch or by the stored moments, as asked.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4", "conv5", "conv61", "conv62")
POOLED = CONVOLUTIONS[:5]


def features(crops: Tensor, weights: Mapping[str, Tensor], branch: int, by_batch: bool) -> Tensor:
    """fc-feature after ReLU (batch, units) of `crops` (batch, channels, frames, bands)."""

    def of(layer: str, part: str) -> Tensor:
        shared = f"shared.{layer}.{part}"
        return weights[shared] if shared in weights else weights[f"branches.{branch}.{layer}.{part}"]

    def normalised(values: Tensor, layer: str) -> Tensor:
        return normalise(values, lambda part: of(layer, f"norm.{part}"), by_batch)

    for layer in CONVOLUTIONS:
        kernel, bias = of(layer, "conv.weight"), of(layer, "conv.bias")
        stride = (2, 1) if layer == "conv1" else (1, 1)
        crops = functional.conv2d(crops, kernel, bias, stride, kernel.shape[-1] // 2)
        crops = normalised(crops, layer).clamp(min=0)
        if layer in POOLED:
            crops = functional.max_pool2d(crops, 2)
    pooled = crops.flatten(2).mean(dim=2)
    hidden = pooled @ of("fc_feature", "fc.weight").T + of("fc_feature", "fc.bias")
    return normalised(hidden, "fc_feature").clamp(min=0)


def loss(
    crops: Tensor, wanted: Tensor, weights: Mapping[str, Tensor], branch: int, is_self: bool, by_batch: bool
) -> Tensor:
    """KL of `wanted` (n, outputs), a distribution, averaged over items and outputs. For `self`, `crops` are the left
    ones, then the right ones."""
    if is_self:
        sides = [features(side, weights, branch, by_batch) for side in crops.chunk(2)]
        head = f"heads.{branch}.layers"
        hidden = torch.cat(sides, dim=1) @ weights[f"{head}.fc.weight"].T + weights[f"{head}.fc.bias"]
        hidden = normalise(hidden, lambda part: weights[f"{head}.norm.{part}"], by_batch).clamp(min=0)
        logits = hidden @ weights[f"{head}.output.weight"].T + weights[f"{head}.output.bias"]
    else:
        hidden = features(crops, weights, branch, by_batch)
        logits = hidden @ weights[f"heads.{branch}.1.weight"].T + weights[f"heads.{branch}.1.bias"]
    log_predicted = logits - logits.logsumexp(dim=1, keepdim=True)
    return (torch.xlogy(wanted, wanted) - wanted * log_predicted).mean()


def normalise(values: Tensor, part_of, by_batch: bool) -> Tensor:
    """Batch normalisation over all dimensions but the second."""
    others = [d for d in range(values.dim()) if d != 1]
    shape = [1, -1, *[1] * (values.dim() - 2)]
    mean = values.mean(others) if by_batch else part_of("running_mean")
    variance = values.var(others, correction=0) if by_batch else part_of("running_var")
    scaled = (values - mean.view(shape)) / torch.sqrt(variance.view(shape) + 1e-5)
    return scaled * part_of("weight").view(shape) + part_of("bias").view(shape)
