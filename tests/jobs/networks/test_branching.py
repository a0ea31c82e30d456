from __future__ import annotations

import numpy as np
import pytest
import torch

from jobs.networks.branching import Network, build_network, torch_seed
from study.core.backbones import BACKBONES
from study.core.cost import n_parameters
from study.core.strategies import STRATEGIES
from study.testing.source_outputs import features, logits, loss

NAMES = ("tag", "self", "bpm", "year", "taste", "lyrics", "cdr_tag", "artist")
SEED = np.random.SeedSequence(7)
CROPS = torch.randn(4, 1, 63, 32, generator=torch.Generator().manual_seed(0))


def factors(strategy: str, n_sources: int = 3) -> dict[str, int | None]:
    names = NAMES[: 1 if strategy == "SS-R" else n_sources]
    return {name: None if name == "self" else 3 + position for position, name in enumerate(names)}


def small(strategy: str, seed: np.random.SeedSequence = SEED) -> Network:
    return build_network(strategy, factors(strategy), channels=1, n_mels=32, width=0.25, seed=seed)


@pytest.mark.parametrize(
    ("strategy", "n_sources"),
    [(s, n) for s in STRATEGIES for n in range(1, 9) if s != "SS-R" or n == 1],
)
def test_parameters_equal_the_closed_form(strategy: str, n_sources: int) -> None:
    for channels, width in ((2, 1.0), (1, 0.25), (2, 0.4)):
        sources = factors(strategy, n_sources)
        network = build_network(strategy, sources, channels=channels, width=width, seed=SEED)
        assert network.n_parameters == n_parameters(strategy, sources, channels, width)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_step_reaches_its_own_branch_and_no_other(strategy: str) -> None:
    for source in factors(strategy):
        network = small(strategy)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.1, weight_decay=0.1, fused=True)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        loss(network, CROPS, source).backward()
        optimiser.step()

        place = list(factors(strategy)).index(source)
        own = ("shared.", f"branches.{place}.", f"heads.{place}.")
        reached = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
        assert reached == {name for name, _ in network.named_parameters() if name.startswith(own)}
        assert {n for n, p in network.named_parameters() if p in optimiser.state} == reached
        for name, tensor in network.state_dict().items():
            moved = not torch.equal(tensor, before[name])
            assert moved == name.startswith(own), name


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_layers_are_shared_up_to_the_branching_point(strategy: str) -> None:
    network = small(strategy)
    names = [layer.name for layer in BACKBONES["base"].layers]
    first_own = {"MS-CR@2": "conv2", "MS-CR@4": "conv4", "MS-CR@6": "conv61", "MSS-CR": "conv1"}.get(strategy)
    cut = len(names) if first_own is None else names.index(first_own)
    assert [name for name, _ in network.shared.named_children()] == names[:cut]
    assert len(network.branches) == (0 if first_own is None else 3)
    assert all([name for name, _ in branch.named_children()] == names[cut:] for branch in network.branches)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_initialisation_depends_on_the_seed_alone(strategy: str) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = small(strategy).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again, other = small(strategy).state_dict(), small(strategy, np.random.SeedSequence(8)).state_dict()
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert all(not torch.equal(one[name], other[name]) for name in one if name.endswith("conv.weight"))


def test_branches_start_apart() -> None:
    first, second, _ = small("MSS-CR").branches
    assert not torch.equal(first.conv1.conv.weight, second.conv1.conv.weight)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_representation_is_every_branch_in_the_studys_order(strategy: str) -> None:
    network = small(strategy)
    for source in network.source_factors:
        loss(network, CROPS, source)  # moves the normalisations away from their start
    found = network.representation(CROPS)
    assert network.training
    assert found.shape == (4, network.representation_dim)
    assert found.dtype == torch.float32 and not found.requires_grad
    network.eval()
    branches = [features(network, CROPS, source) for source in network.source_factors]
    expected = branches[0] if strategy in ("SS-R", "MS-SR@FC") else torch.cat(branches, dim=1)
    torch.testing.assert_close(found, expected.detach())
    torch.testing.assert_close(network.representation(CROPS[:1]), found[:1])  # no crop depends on its batch
    assert not network.training


def test_a_source_has_an_output_for_each_of_its_factors() -> None:
    network = small("MS-CR@6")
    for source, k in network.source_factors.items():
        assert logits(network, CROPS, source).shape == (4, k or 2)


def test_dropout_is_half_of_the_features_before_a_label_output() -> None:
    network, seen = small("SS-R"), []
    network.heads[0][0].register_forward_hook(lambda _, args, out: seen.append((args[0], out)))
    logits(network, CROPS.repeat(20, 1, 1, 1), "tag")
    [(before, after)] = seen
    assert before.shape[1] == network.representation_dim
    assert 0.4 < float((after[before > 0] == 0).float().mean()) < 0.6


def test_the_specification_builds_the_network_again() -> None:
    network = small("MS-CR@4")
    again = build_network(**network.specification, seed=SEED)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


def test_a_source_may_be_called_like_a_module_attribute() -> None:
    network = build_network("MSS-CR", {"type": 3, "training": 4, "a-b": 5}, seed=SEED, width=0.1)
    assert logits(network, torch.zeros(2, 2, 63, 128), "training").shape == (2, 4)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no strategy 'MS-CR@3'; expected one of SS-R"):
        build_network("MS-CR@3", {"tag": 3}, seed=SEED)
    with pytest.raises(ValueError, match="SS-R cannot have 2 sources"):
        build_network("SS-R", {"tag": 3, "bpm": 3}, seed=SEED)
    with pytest.raises(ValueError, match="MSS-CR cannot have 0 sources"):
        build_network("MSS-CR", {}, seed=SEED)
    network = small("MS-CR@2")
    with pytest.raises(ValueError, match="at least 63 frames and 32 bands; these have 40 frames and 32 bands"):
        network.representation(torch.zeros(2, 1, 40, 32))
    with pytest.raises(ValueError, match="crops of 1 channels and 32 bands, and these have 2 and 64"):
        network.representation(torch.zeros(2, 2, 63, 64))


def test_seeds_are_what_numpy_says() -> None:
    assert torch_seed(np.random.SeedSequence(1)) == torch_seed(np.random.SeedSequence(1))
    assert torch_seed(np.random.SeedSequence(1)) != torch_seed(np.random.SeedSequence(1, spawn_key=(0,)))
