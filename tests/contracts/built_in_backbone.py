"""What every backbone must do. A test class inherits the contract and says the backbone's name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from jobs.networks.branching import Network, build_network
from jobs.networks.stages import ACTIVATIONS, stages
from study.core.backbones.layers import Backbone, Shape
from study.core.cost import n_parameters, representation_dim, step_flops
from study.core.strategies import BUILT_IN, STRATEGIES
from study.testing.backbone import BackboneContract
from study.testing.source_outputs import loss

SEED = np.random.SeedSequence(7)
SOURCES = {"tag": 3, "self": None, "bpm": 4}
WIDTH = 0.1


class BuiltInBackboneContract(BackboneContract):
    """Subclass with `name`; crops are the smallest that the backbone takes, with 32 bands or more."""

    initial_state_flops = 0.0
    """What of a step's FLOPs PyTorch saves, since nothing asks for the gradient of a recurrent layer's first state."""

    @pytest.fixture
    def smallest(self, backbone: Backbone) -> tuple[int, int]:
        frames, bands = backbone.minimum_crop
        return frames, max(bands, 32)

    def network(self, strategy: str, crops: torch.Tensor, activation: str = "relu") -> Network:
        sources = {"tag": 3} if strategy == "SS-R" else SOURCES
        channels, bands = crops.shape[1], crops.shape[3]
        return build_network(strategy, sources, channels, bands, WIDTH, self.name, activation, seed=SEED)

    def test_every_layer_leaves_the_shape_that_it_declares(self, backbone: Backbone, smallest: tuple[int, int]) -> None:
        frames, bands = smallest
        for crop in ((1, frames, bands), (2, frames + 7, bands + 5)):
            shapes: list[Shape] = []
            with torch.device("meta"):
                network = stages(0, len(backbone.layers), backbone, crop, 0.5, "relu")
                for stage in network:
                    stage.register_forward_hook(lambda _m, _i, out, shapes=shapes: shapes.append(tuple(out.shape[1:])))
                network(torch.empty(2, *crop))
            declared = [cost.shape for cost in backbone.costs(crop, 0.5)]
            assert tuple(shapes[-1]) == (128,)
            assert [(*shape, 1, 1)[:3] for shape in shapes] == declared

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_parameters_are_those_of_the_closed_form(self, strategy: str, smallest: tuple[int, int]) -> None:
        bands = smallest[1] + 3
        for n_sources in (1,) if strategy == "SS-R" else (1, 2, 3):
            sources = dict(list(SOURCES.items())[:n_sources])
            for channels, width in ((2, WIDTH), (1, 0.25)):
                network = build_network(strategy, sources, channels, bands, width, self.name, seed=SEED)
                assert network.n_parameters == n_parameters(strategy, sources, channels, width, self.name, bands)
                assert network.representation_dim == representation_dim(strategy, n_sources, width)

    def test_flops_are_those_of_the_closed_form(self, backbone: Backbone, smallest: tuple[int, int]) -> None:
        crop = 2, smallest[0] + 30, smallest[1] + 3
        with torch.device("meta"), FlopCounterMode(display=False) as counted:
            network, crops = stages(0, len(backbone.layers), backbone, crop, 0.25, "relu"), torch.empty(2, *crop)
            features = network(crops)
            forward = counted.get_total_flops()
            features.sum().backward()
        assert forward == 2 * sum(cost.flops for cost in backbone.costs(crop, 0.25))
        step = step_flops({"tag": 3}, [cost.flops for cost in backbone.costs(crop, 0.25)], 2)
        assert counted.get_total_flops() == pytest.approx(step, rel=self.initial_state_flops)

    def test_strategies_branch_ever_earlier(self, backbone: Backbone) -> None:
        shared = [backbone.shares[one.share] for one in BUILT_IN.values()]
        assert shared[0] == shared[1] == len(backbone.layers)
        assert shared[1:] == sorted(set(shared), reverse=True) and shared[-1] == 0

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_a_crop_has_one_representation_in_stereo(self, activation: str, crops: torch.Tensor) -> None:
        """Finite, in any company, alone, again, and in stereo."""
        network = self.network("MS-CR@4", crops, activation)
        for source in network.source_factors:
            loss(network, crops, source)  # moves the normalisations away from their start
        found = network.representation(crops)
        assert found.shape == (3, 3 * 26) and bool(found.isfinite().all())
        assert bool((found.std(dim=0) > 0).any())
        assert torch.equal(network.representation(crops), found)
        torch.testing.assert_close(network.representation(crops[[1]]), found[[1]])
        torch.testing.assert_close(network.representation(crops[[2, 1]]), found[[2, 1]])
        stereo = crops.expand(-1, 2, -1, -1)
        assert self.network("MS-CR@4", stereo, activation).representation(stereo).shape == found.shape

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_a_convolution_is_normalised_activated_and_pooled(
        self, activation: str, backbone: Backbone, crops: torch.Tensor
    ) -> None:
        """Whatever the order in which it is done."""
        expected_of = {"relu": nn.functional.relu, "elu": nn.functional.elu, "gelu": nn.functional.gelu}[activation]
        network = self.network("SS-R", crops, activation)
        maps = crops
        for layer, stage in zip(backbone.layers, network.shared, strict=True):
            if hasattr(stage, "conv"):
                stage.norm.weight.data.uniform_(-1, 1)
                padded = stage.pad(maps) if hasattr(stage, "pad") else maps
                expected = nn.functional.max_pool2d(expected_of(stage.norm(stage.conv(padded))), layer.pool)
                torch.testing.assert_close(stage(maps), expected)
            maps = stage(maps)

    def test_a_longer_crop_is_fine_and_a_smaller_one_is_refused(self, backbone: Backbone, crops: torch.Tensor) -> None:
        network = self.network("MS-SR@FC", crops)
        longer = torch.cat((crops, crops[:, :, :5]), dim=2)
        assert network.representation(longer).shape == (3, 26)
        frames, bands = backbone.minimum_crop
        needs = f"backbone '{self.name}' needs crops of at least {frames} frames and {bands} bands; these have "
        with pytest.raises(ValueError, match=needs + f"{frames - 1} frames"):
            network.representation(crops[:, :, 1:])
        with pytest.raises(ValueError, match=needs + f"{frames} frames and {bands - 1} bands"):
            network.representation(crops[..., : bands - 1])
        with pytest.raises(RuntimeError):
            network.shared(crops[:, :, 1:])
