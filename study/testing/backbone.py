"""What every backbone must do: a part of any strategy, reached by its own source alone, the same again from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.learning.representation import load_network, save_weights
from jobs.networks.branching import Network, build_network
from jobs.networks.stages import measured_costs
from study.core.backbones import backbone_named
from study.core.backbones.layers import Backbone
from study.core.strategies import ALL, NONE, Strategy
from study.testing.source_outputs import loss

SEED = np.random.SeedSequence(7)
SOURCES = {"tag": 3, "self": None, "bpm": 4}


class BackboneContract:
    """Subclass with the entry point's `name`, and the `frames` and `bands` of the crops that it is tried on; without
    them, the smallest that it takes, with 32 bands or more."""

    name: str
    frames: int | None = None
    bands: int | None = None
    width = 0.1

    @pytest.fixture
    def backbone(self) -> Backbone:
        return backbone_named(self.name)

    @pytest.fixture
    def crops(self, backbone: Backbone) -> torch.Tensor:
        frames, bands = backbone.minimum_crop
        shape = self.frames or frames, self.bands or max(bands, 32)
        return torch.randn(3, 1, *shape, generator=torch.Generator().manual_seed(0))

    def shared(self, share: str, crops: torch.Tensor, activation: str = "relu") -> Network:
        """The network of three sources that share so much."""
        shape = crops.shape[1], crops.shape[3], self.width, self.name, activation
        strategy = Strategy(share, "many")
        return build_network(strategy, SOURCES, *shape, crop_frames=crops.shape[2], seed=SEED)

    def test_a_step_reaches_its_own_branch_and_no_other(self, backbone: Backbone, crops: torch.Tensor) -> None:
        for share in (NONE, *backbone.stages, ALL):
            network = self.shared(share, crops)
            for place, source in enumerate(SOURCES):
                network.zero_grad()
                loss(network, crops, source).backward()
                own = ("shared.", f"branches.{place}.", f"heads.{place}.")
                reached = {name for name, each in network.named_parameters() if each.grad is not None}
                assert reached == {name for name, _ in network.named_parameters() if name.startswith(own)}
                assert all(each.grad.isfinite().all() for each in network.parameters() if each.grad is not None)

    def test_a_crop_has_one_representation(self, backbone: Backbone, crops: torch.Tensor) -> None:
        """Finite, in any company and alone, with a part for each source where they branch."""
        network = self.shared(NONE, crops)
        for source in SOURCES:
            loss(network, crops, source)  # moves normalisations away from their start
        found = network.representation(crops)
        assert found.shape == (3, network.representation_dim) and bool(found.isfinite().all())
        assert bool((found.std(dim=0) > 0).any())
        torch.testing.assert_close(network.representation(crops[[2, 1]]), found[[2, 1]])
        assert network.representation_dim == len(SOURCES) * self.shared(ALL, crops).representation_dim

    def test_costs_are_those_of_its_layers(self, backbone: Backbone, crops: torch.Tensor) -> None:
        crop = crops.shape[1], crops.shape[2], crops.shape[3]
        measured = measured_costs(backbone, crop, self.width)
        shared = self.shared(ALL, crops).shared
        assert sum(cost.parameters for cost in measured) == sum(each.numel() for each in shared.parameters())
        for declared, found in zip(backbone.costs(crop, self.width) or measured, measured, strict=True):
            assert (declared.parameters, declared.shape) == (found.parameters, found.shape)
            assert declared.flops == pytest.approx(found.flops, rel=0.01)

    def test_a_seed_gives_the_weights(self, crops: torch.Tensor) -> None:
        one, again = (self.shared(NONE, crops).state_dict() for _ in range(2))
        assert all(torch.equal(one[name], again[name]) for name in one)

    def test_weights_come_back_whole(self, crops: torch.Tensor, tmp_path: Path) -> None:
        network = self.shared(NONE, crops, "elu")
        loss(network, crops, "tag")
        statistics = np.zeros(crops.shape[3]), np.ones(crops.shape[3])
        save_weights(tmp_path / "weights.safetensors", network, statistics, {})
        again, _, _ = load_network(tmp_path / "weights.safetensors")
        assert again.specification == network.specification
        assert torch.equal(again.representation(crops), network.representation(crops))
