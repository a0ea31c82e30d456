"""The losses by name: one value per item of a batch, in nat, from logits in float32.

pairs   cross-entropy of "same track or not" (Kim et al. 2019, Eq. 5), for `self`
kl      divergence of the network's distribution from the labels' (Eq. 2)
bce     binary cross-entropy, summed over the labels
focal   the same with well-classified labels weighted down (Lin et al. 2017, Eq. 5, with their gamma and alpha)
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

FOCAL_GAMMA, FOCAL_ALPHA = 2.0, 0.25


def _kl(logits: Tensor, wanted: Tensor) -> Tensor:
    return functional.kl_div(logits.log_softmax(dim=1), wanted, reduction="none").sum(dim=1)


def _bce(logits: Tensor, wanted: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum(dim=1)


def _focal(logits: Tensor, wanted: Tensor) -> Tensor:
    surprise = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    predicted = logits.sigmoid()
    missed = predicted + wanted - 2 * predicted * wanted  # 1 - p_t
    weight = FOCAL_ALPHA * wanted + (1 - FOCAL_ALPHA) * (1 - wanted)
    return (weight * missed**FOCAL_GAMMA * surprise).sum(dim=1)


def _pairs(logits: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(logits, wanted, reduction="none")


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"pairs": _pairs, "kl": _kl, "bce": _bce, "focal": _focal}
"""(logits (n, factors), wanted) -> (n,). `wanted` (n, factors) is a distribution for kl, of 0 and 1 for bce and focal;
for pairs it is the class, (n,)."""
