"""Published networks as parts: parameters to the digit under each paper's convention, shapes layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from jobs.networks.stages import measured_costs, stages
from study.core.backbones.layers import Backbone, Convolution, Dropout, Flatten, Shape
from tests.jobs.networks.published import (
    CYCON,
    RECURRENT,
    TAGGING_BASELINE,
    WELLS_K1C2,
    WELLS_K2C1,
    WELLS_K2C2,
    tagging_new,
)

WELLS_CROP, TAGGING_CROP = (1, 1366, 96), (1, 188, 96)


def built(backbone: Backbone, crop: Shape, n_outputs: int) -> nn.Sequential:
    """With the output layer."""
    network = stages(0, len(backbone.layers), backbone, crop, 1.0, "relu")
    return nn.Sequential(network, nn.Linear(backbone.costs(crop)[-1].shape[0], n_outputs))


def weights_and_biases(network: nn.Module) -> list[int]:
    """Of every convolution and fully connected layer, without normalisation."""
    return [sum(each.numel() for each in layer.parameters()) for layer in network.modules()
            if isinstance(layer, nn.Conv2d | nn.Linear)]  # fmt: skip


def test_cycon_with_the_four_vectors_of_batch_normalisation() -> None:
    """Keras counts moving means and variances, too."""
    network = built(CYCON, (1, 1874, 48), 6)
    of_norms = [4 * layer.num_features for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert weights_and_biases(network) == [320, 18_496, 73_856, 774] and of_norms == [128, 256, 512]
    statistics = sum(each.numel() for name, each in network.named_buffers() if "running" in name)
    assert sum(each.numel() for each in network.parameters()) + statistics == 94_342
    shapes = [cost.shape for cost in CYCON.costs((1, 1874, 48))]
    assert shapes == [(32, 312, 24), (64, 19, 6), (128, 1, 1), (128, 1, 1)]
    (block, *_), _ = network
    assert [type(part) for part in block][1:] == [nn.MaxPool2d, nn.ReLU, nn.Dropout, nn.BatchNorm2d]


@pytest.mark.parametrize(
    ("backbone", "of_layers", "total"),
    [
        (WELLS_K2C1, [58_520, 92_568, 92_568, 185_136, 369_968, 369_968, 92_720, 15_250], 1_276_698),
        (WELLS_K1C2, [235, 8_883, 17_955, 36_195, 866_495, 9_120, 4_800], 943_683),
        (WELLS_K2C2, [670, 81_540, 164_160, 246_848, 495_388, 13_600], 1_002_206),
    ],
    ids=["k2c1", "k1c2", "k2c2"],
)
def test_wells_without_normalisation(backbone: Backbone, of_layers: list[int], total: int) -> None:
    found = weights_and_biases(built(backbone, WELLS_CROP, 50))
    assert found == of_layers and sum(found) == total


def test_wells_leaves_out_the_last_output_s_bias() -> None:
    assert 1_002_206 - 50 == 670 + 81_540 + 164_160 + 246_848 + 495_388 + 13_550 == 1_002_156


def test_shapes_of_wells() -> None:
    frames = [cost.shape for cost in WELLS_K2C1.costs(WELLS_CROP)]
    assert frames[:6] == [(152, 1363, 1), (152, 340, 1), (152, 84, 1), (304, 20, 1), (304, 4, 1), (1216, 1, 1)]
    by_band = [cost.shape for cost in WELLS_K1C2.costs(WELLS_CROP)]
    assert by_band[:5] == [(47, 341, 96), (47, 68, 96), (95, 8, 96), (95, 1, 96), (9120, 1, 1)]
    both = [cost.shape for cost in WELLS_K2C2.costs(WELLS_CROP)]
    assert both[:5] == [(67, 341, 48), (135, 85, 24), (135, 21, 12), (203, 4, 4), (271, 1, 1)]


def test_shapes_of_the_tagging_networks() -> None:
    """Table 5 contradicts itself in its fourth row: an output of 128 maps, and out=256 in its details."""
    baseline = [cost.shape for cost in TAGGING_BASELINE.costs(TAGGING_CROP)]
    assert baseline == [(64, 47, 24), (128, 15, 8), (128, 5, 2), (64, 1, 1), (64, 1, 1)]
    by_output, by_details = tagging_new(128), tagging_new(256)
    shapes = [cost.shape for cost in by_output.costs(TAGGING_CROP)][1::2]
    assert shapes == [(128, 94, 48), (256, 47, 24), (256, 23, 12), (128, 11, 6), (128, 5, 3), (128, 1, 1)]
    counts = [sum(weights_and_biases(built(one, TAGGING_CROP, 50))) for one in (by_output, by_details)]
    assert counts == [1_483_186, 1_925_682]


@pytest.mark.parametrize(
    ("backbone", "crop"),
    [(CYCON, (1, 1874, 48)), (WELLS_K2C1, WELLS_CROP), (TAGGING_BASELINE, TAGGING_CROP), (RECURRENT, (2, 9, 8))],
)
def test_costs_in_closed_form_are_those_counted(backbone: Backbone, crop: Shape) -> None:
    for stated, counted in zip(backbone.costs(crop), measured_costs(backbone, crop), strict=True):
        assert (stated.parameters, stated.shape) == (counted.parameters, counted.shape)
        assert stated.flops == pytest.approx(counted.flops, rel=1e-9)


def test_lstms_in_a_stack_and_in_both_directions() -> None:
    network = stages(0, 3, RECURRENT, (2, 9, 8), 1.0, "elu").eval()
    assert network.lstm.lstm.num_layers == 2 and network.lstm.lstm.dropout == 0.3
    maps = torch.randn(3, 2, 9, 8)
    states = network.lstm(network.frame(maps))
    assert states.shape == (3, 24, 4, 1)
    changed = maps.clone()
    changed[:, :, 8:] += 1  # the last frame, which pooling leaves out
    changed[:, :, 6] += 1
    assert not torch.equal(network.lstm(network.frame(changed))[:, :, 0], states[:, :, 0]), "it hears what comes later"


def test_dropout_and_flatten_are_layers() -> None:
    backbone = Backbone((Convolution("conv", 4, (3, 3), after=("pool", "norm", "activation", "dropout"), pool=(2, 2),
                                     dropout=0.25), Dropout("drop", 0.4), Flatten("flat")))  # fmt: skip
    network = stages(0, 3, backbone, (2, 6, 4), 1.0, "gelu")
    assert [type(part) for part in network.conv][1:] == [nn.MaxPool2d, nn.BatchNorm2d, nn.GELU, nn.Dropout]
    assert (network.conv.dropout.p, network.drop.p) == (0.25, 0.4)
    assert network(torch.randn(3, 2, 6, 4)).shape == (3, 4 * 3 * 2)
