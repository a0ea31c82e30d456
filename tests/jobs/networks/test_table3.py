from __future__ import annotations

import pytest
import torch
from torch import nn

from jobs.networks.table3 import check_crop, stages
from study.cost import TABLE_3, forward_flops

INPUT_SHAPES = {
    "conv1": (2, 216, 128),
    "conv2": (16, 54, 64),
    "conv3": (32, 27, 32),
    "conv4": (64, 13, 16),
    "conv5": (64, 6, 8),
    "conv61": (128, 3, 4),
    "conv62": (256, 3, 4),
    "fc_feature": (256, 3, 4),
}
POOL_SHAPES = {
    "conv1": (16, 108, 128),
    "conv2": (32, 54, 64),
    "conv3": (64, 27, 32),
    "conv4": (64, 13, 16),
    "conv5": (128, 6, 8),
}
WEIGHTS = {
    "conv1": (16, 2, 5, 5),
    "conv2": (32, 16, 3, 3),
    "conv3": (64, 32, 3, 3),
    "conv4": (64, 64, 3, 3),
    "conv5": (128, 64, 3, 3),
    "conv61": (256, 128, 3, 3),
    "conv62": (256, 256, 1, 1),
}


def test_shapes_layer_by_layer_are_table_3s() -> None:
    network = stages(0, len(TABLE_3), channels=2, width=1.0)
    inputs, pooled = {}, {}
    for name, stage in network.named_children():
        stage.register_forward_pre_hook(lambda _, args, name=name: inputs.update({name: tuple(args[0].shape[1:])}))
        if hasattr(stage, "pool"):
            stage.pool.register_forward_pre_hook(
                lambda _, args, name=name: pooled.update({name: tuple(args[0].shape[1:])})
            )
    out = network(torch.zeros(2, 2, 216, 128))
    assert inputs == INPUT_SHAPES
    assert pooled == POOL_SHAPES
    assert out.shape == (2, 256)
    assert {name: tuple(network.get_submodule(name).conv.weight.shape) for name in WEIGHTS} == WEIGHTS
    assert all(network.get_submodule(name).conv.bias is not None for name in WEIGHTS)
    assert network.conv1.conv.stride == (2, 1)


def test_a_stage_is_convolution_normalisation_relu_pool() -> None:
    stage = stages(0, 1, channels=2, width=0.5).conv1
    stage.norm.weight.data.uniform_(-1, 1)  # either sign: ReLU and max-pool commute, normalisation and max-pool do not
    stage.norm.bias.data.uniform_(-1, 1)
    crops = torch.randn(3, 2, 70, 40)
    by_table = nn.functional.max_pool2d(stage.norm(stage.conv(crops)).relu(), 2)
    torch.testing.assert_close(stage(crops), by_table)


def test_width_scales_every_layer() -> None:
    network = stages(0, len(TABLE_3), channels=1, width=0.25)
    channels = [network.get_submodule(name).conv.out_channels for name in WEIGHTS]
    assert channels == [4, 8, 16, 16, 32, 64, 64]
    assert network(torch.zeros(2, 1, 63, 32)).shape == (2, 64)


def test_flops_are_those_of_the_modules() -> None:
    network, counted = stages(0, len(TABLE_3), channels=2, width=0.5), []

    def count(module: nn.Module, _: tuple[torch.Tensor], out: torch.Tensor) -> None:
        per_output = module.weight[0].numel()
        counted.append(2 * per_output * out[0].numel())

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    network(torch.zeros(2, 2, 101, 67))
    assert tuple(counted) == forward_flops(101, 67, channels=2, width=0.5)


@pytest.mark.parametrize(("frames", "bands"), [(62, 32), (63, 31), (1, 1)])
def test_too_small_a_crop_is_told(frames: int, bands: int) -> None:
    with pytest.raises(ValueError, match=f"63 frames and 32 bands; these have {frames} frames and {bands} bands"):
        check_crop(frames, bands)
    with pytest.raises(RuntimeError):
        stages(0, len(TABLE_3), channels=1, width=0.25)(torch.zeros(2, 1, frames, bands))
