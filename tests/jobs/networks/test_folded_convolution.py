"""Folding changes how a convolution is computed, not what."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from jobs.networks.branching import build_network
from jobs.networks.folded_convolution import FoldableConvolution, fold_of, folded_convolution


@given(st.integers(1, 20), st.sampled_from([1, 3, 5, 9]), st.sampled_from([1, 2]), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_the_output_and_all_gradients_are_those_of_the_plain_convolution(
    channels: int, kernel: int, stride: int, groups: int
) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(channels, 3, (3, kernel), (stride, 1), (1, kernel // 2)).double()
    maps = torch.randn(2, channels, 7, 8 * groups, dtype=torch.double, requires_grad=True)
    found = []
    for compute in (plain, lambda maps: folded_convolution(plain, maps, fold_of(plain, 8 * groups))):
        plain.zero_grad()
        maps.grad = None
        output = compute(maps)
        output.square().sum().backward()
        found.append([output.detach(), maps.grad, plain.weight.grad, plain.bias.grad])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize(
    ("channels", "bands", "kernel", "fold"),
    [(2, 128, 5, 8), (16, 64, 3, 2), (32, 32, 3, 1), (2, 6, 3, 2), (2, 7, 3, 1), (8, 64, 3, 4), (1, 96, 3, 8)],
)
def test_bands_are_grouped_until_there_are_channels_enough(channels: int, bands: int, kernel: int, fold: int) -> None:
    assert fold_of(nn.Conv2d(channels, 4, kernel, padding=kernel // 2), bands) == fold


def test_what_changes_the_bands_is_not_folded() -> None:
    assert fold_of(nn.Conv2d(2, 4, 3, stride=(1, 2), padding=1), 64) == 1
    assert fold_of(nn.Conv2d(2, 4, 3), 64) == 1
    assert fold_of(nn.Conv2d(2, 4, (3, 4), padding=(1, 2)), 64) == 1


def test_on_a_cpu_nothing_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_network("SS-R", {"tag": 5}, width=0.1, seed=np.random.SeedSequence(0))
    assert any(isinstance(module, FoldableConvolution) for module in network.modules())
    monkeypatch.setattr("jobs.networks.folded_convolution.folded_convolution", None)  # calling it would fail
    network.trunk(torch.zeros(2, 2, 216, 128))
