from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch

from jobs.networks.branching import build_network
from jobs.networks.stages import ACTIVATIONS, stages
from study.core.backbones import BACKBONES
from study.core.sections import Training
from tests.contracts.built_in_backbone import BuiltInBackboneContract


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class TestBase(BuiltInBackboneContract):
    name = "base"


class TestK2C1(BuiltInBackboneContract):
    name = "k2c1"


class TestK1C2(BuiltInBackboneContract):
    name = "k1c2"


class TestK2C2(BuiltInBackboneContract):
    name = "k2c2"


class TestShortChunk(BuiltInBackboneContract):
    name = "short-chunk"


class TestCnn4(BuiltInBackboneContract):
    name = "cnn4"


class TestLstm(BuiltInBackboneContract):
    name = "lstm"
    initial_state_flops = 0.03


def test_every_name_of_the_study_file_is_built_and_no_other() -> None:
    fields = Training.model_fields
    assert get_args(fields["activation"].annotation) == tuple(ACTIVATIONS)
    classes = BuiltInBackboneContract.__subclasses__()
    assert {contract.name for contract in classes} == set(BACKBONES)


def test_what_there_is_not_is_refused() -> None:
    seed = np.random.SeedSequence(1)
    with pytest.raises(ValueError, match="no backbone 'vgg'; expected one of base, k2c1"):
        build_network("SS-R", {"tag": 3}, backbone="vgg", seed=seed)
    with pytest.raises(ValueError, match="no activation 'tanh'; expected one of relu, elu, gelu"):
        build_network("SS-R", {"tag": 3}, activation="tanh", seed=seed)


@pytest.mark.parametrize(
    ("name", "published", "shapes"),
    [
        # Wells 2018, Tables 3.2 to 3.7: weights and biases without batch normalisation; 1366 frames, 96 bands, mono
        ("k2c1", [58_520, 92_568, 92_568, 185_136, 369_968],
         [(152, 1363, 1), (152, 340, 1), (152, 84, 1), (304, 20, 1), (304, 4, 1)]),
        ("k1c2", [235, 8_883, 17_955, 36_195, 866_495],
         [(47, 341, 96), (47, 68, 96), (95, 8, 96), (95, 1, 96), (95, 1, 1)]),
        ("k2c2", [670, 81_540, 164_160, 246_848, 495_388],
         [(67, 341, 48), (135, 85, 24), (135, 21, 12), (203, 4, 4), (271, 1, 1)]),
    ],
)  # fmt: skip
def test_layers_of_choi_et_al_are_those_published(name: str, published: list[int], shapes: list[tuple]) -> None:
    backbone, crop = BACKBONES[name], (1, 1366, 96)
    with torch.device("meta"):
        network = stages(0, len(backbone.layers), backbone, crop, 1.0, "elu")
    learned = [stage.get_submodule("fc" if hasattr(stage, "fc") else "conv") for stage in network]
    assert [sum(p.numel() for p in layer.parameters()) for layer in learned][: len(published)] == published
    assert [cost.shape for cost in backbone.costs(crop)][: len(shapes)] == shapes


@pytest.mark.parametrize(
    ("name", "dense", "first_layers", "within"),
    [
        ("k2c1", True, (43, 72, 106, 152, 265), 0.04),
        ("k1c2", True, (15, 23, 33, 47, 81), 0.11),  # 0.94 M of the "1 M" by Wells's count, too
        ("k2c2", False, (20, 33, 47, 67, 118), 0.07),
    ],
)
def test_width_gives_the_sizes_that_they_compared(
    name: str, dense: bool, first_layers: tuple[int, ...], within: float
) -> None:
    """About 0.1 to 3 M parameters (Choi et al. 2017) by the filters of the first layer, with their last layers instead
    of fc_feature: a second fully connected layer but for k2c2, and 50 tags."""
    backbone = BACKBONES[name]
    for published, filters in zip((0.1e6, 0.25e6, 0.5e6, 1e6, 3e6), first_layers, strict=True):
        *layers, _ = backbone.costs((1, 1366, 96), width=filters / backbone.layers[0].filters)
        assert layers[0].shape[0] == filters
        last = layers[-1].shape[0]
        own = last * 50 + 50 + (last * last + last if dense else 0)
        assert sum(cost.parameters for cost in layers) + own == pytest.approx(published, rel=within)


def test_the_short_chunk_network_is_the_released_one() -> None:
    """Convolutions, and their normalisations, counted from the sizes in the released code, for one channel."""
    *convolutions, _ = BACKBONES["short-chunk"].costs((1, 231, 128))
    sizes = (1, 128, 128, 256, 256, 256, 256, 512)
    by_hand = [9 * i * o + 3 * o for i, o in pairwise(sizes)]
    assert [cost.parameters for cost in convolutions] == by_hand
    assert convolutions[-1].shape == (512, 1, 1)


def test_weights_of_the_base_network_keep_their_names() -> None:
    """Weights that are kept load by these names."""
    network = build_network("MS-CR@6", {"self": None, "tag": 3}, 1, 32, 0.1, seed=np.random.SeedSequence(1))
    moments = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def stage(name: str, kind: str) -> set[str]:
        return {f"{name}.{kind}.{end}" for end in ("weight", "bias")} | {f"{name}.norm.{end}" for end in moments}

    names = set().union(*(stage(f"shared.conv{number}", "conv") for number in range(1, 6)))
    for branch in ("branches.0", "branches.1"):
        names |= (
            stage(f"{branch}.conv61", "conv") | stage(f"{branch}.conv62", "conv") | stage(f"{branch}.fc_feature", "fc")
        )
    names |= stage("heads.0.layers", "fc") | {"heads.0.layers.output.weight", "heads.0.layers.output.bias"}
    assert set(network.state_dict()) == names | {"heads.1.1.weight", "heads.1.1.bias"}
