from __future__ import annotations

import torch
from torch import nn

from jobs.networks.stages import stages
from study.core.backbones import BACKBONES

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


def base(channels: int = 2, width: float = 1.0, activation: str = "relu") -> nn.Sequential:
    return stages(0, 8, BACKBONES["base"], (channels, 216, 128), width, activation)


def test_shapes_layer_by_layer_are_table_3s() -> None:
    network = base()
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


def test_width_scales_every_layer() -> None:
    network = base(channels=1, width=0.25)
    channels = [network.get_submodule(name).conv.out_channels for name in WEIGHTS]
    assert channels == [4, 8, 16, 16, 32, 64, 64]
    assert network(torch.zeros(2, 1, 63, 32)).shape == (2, 64)
