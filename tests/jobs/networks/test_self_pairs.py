from __future__ import annotations

import pytest
import torch

from jobs.networks.self_pairs import PairHead


@pytest.mark.parametrize("features", [256, 64])
def test_the_head_keeps_128_units_at_every_width(features: int) -> None:
    head = PairHead(features, dropout=0.5)
    assert head(torch.randn(6, features), torch.randn(6, features)).shape == (6, 2)
    assert sum(p.numel() for p in head.parameters()) == (2 * features + 1) * 128 + 2 * 128 + 129 * 2


def test_layers_by_hand() -> None:
    torch.manual_seed(0)
    head = PairHead(8, dropout=0.5).eval()
    left, right = torch.randn(5, 8), torch.randn(5, 8)
    layers = head.layers
    hidden = torch.cat((left, right), dim=1) @ layers.fc.weight.T + layers.fc.bias
    hidden = (hidden / (1 + layers.norm.eps) ** 0.5).clamp(min=0)  # a new normalisation has mean 0 and variance 1
    expected = hidden @ layers.output.weight.T + layers.output.bias
    torch.testing.assert_close(head(left, right), expected)
    assert not torch.allclose(head(left, right), head(right, left))


@pytest.mark.parametrize(("layer", "units"), [("feature_dropout", 2 * 40), ("dropout", 128)])
def test_half_of_both_representations_and_of_the_hidden_layer_are_dropped(layer: str, units: int) -> None:
    head = PairHead(40, dropout=0.5)
    dropped = []
    getattr(head.layers, layer).register_forward_hook(lambda _, args, out: dropped.append((args[0], out)))
    left, right = torch.rand(50, 40), torch.rand(50, 40)
    head(left, right)
    [(before, after)] = dropped
    assert before.shape == (50, units) and bool((before >= 0).all())
    assert 0.4 < float((after[before > 0] == 0).float().mean()) < 0.6
    if layer == "feature_dropout":
        torch.testing.assert_close(before, torch.cat((left, right), dim=1))
