from __future__ import annotations

import numpy as np
import pytest
import torch

from jobs.learning.readout import read_out
from jobs.learning.representation import represent
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import band_statistics
from tests.jobs.learning.test_representation import LENGTHS, heard, network_for

SEED = np.random.SeedSequence(3)


def maps_by_hand(network: Network, crops: torch.Tensor, stage: str) -> torch.Tensor:
    """What the modules up to a stage give, by branch: (crops, maps of all branches, positions), averaged over bands."""
    found, shared = [], crops
    for name, module in network.shared.named_children():
        shared = module(shared)
        found += [shared.clone()] * (name == stage)
    for branch in network.branches:
        maps = shared
        for name, module in branch.named_children():
            maps = module(maps)
            found += [maps.clone()] * (name == stage)
    return torch.cat([maps.mean(dim=3) if maps.dim() == 4 else maps[..., None] for maps in found], dim=1)


@pytest.mark.parametrize("readout", ["conv2", "conv61:max", "conv3+conv61:mean+max+deviation", "fc_feature:max"])
def test_statistics_of_stages_by_hand(make_store, readout: str) -> None:
    """Shared stages and, with branches after conv5, those of each branch."""
    store = make_store(LENGTHS)
    statistics = band_statistics(store, range(len(LENGTHS)))
    network = network_for(store).eval()
    found = read_out(network, store, statistics, 63, readout)
    assert found.dtype == np.float32
    mean, deviation = (torch.from_numpy(values).float() for values in statistics)
    stages, _, wanted = readout.partition(":")
    for track in range(len(LENGTHS)):
        with torch.no_grad():
            crops = (heard(store, track, 63) - mean) / deviation
            series = [maps_by_hand(network, crops, stage).double() for stage in stages.split("+")]
        values = [maps.transpose(0, 1).flatten(1) for maps in series]  # (maps, positions of all slices)
        by_name = {
            "mean": torch.cat([own.mean(1) for own in values]),
            "deviation": torch.cat([own.std(1, correction=0) for own in values]),
            "max": torch.cat([own.amax(1) for own in values]),
        }
        expected = torch.cat([by_name[name] for name in (wanted or "mean+deviation").split("+")])
        np.testing.assert_allclose(found[track], expected.numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("strategy", ["MS-SR@FC", "MSS-CR"])
def test_the_representation_itself_is_one_of_them(make_store, strategy: str) -> None:
    store = make_store(LENGTHS)
    statistics = band_statistics(store, range(len(LENGTHS)))
    network = network_for(store, strategy)
    usual = represent(network, store, statistics, 63)
    for readout in ("representation:mean+deviation", "fc_feature"):
        np.testing.assert_allclose(read_out(network, store, statistics, 63, readout), usual, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backbone", ["lstm", "k2c1"])
def test_stages_of_any_backbone(make_store, backbone: str) -> None:
    store = make_store([1100, 600])
    network = build_network("SS-R", {"tag": 4}, store.channels, store.n_mels, 0.25, backbone, seed=SEED)
    (first, *_), last = [name for name, _ in network.shared.named_children()], "representation"
    frames = max(63, network.minimum_crop[0])
    found = read_out(network, store, band_statistics(store, [0, 1]), frames, f"{first}+{last}:mean")
    assert len(found) == 2 and np.isfinite(found).all() and found.shape[1] > network.representation_dim


def test_a_stage_that_there_is_not(make_store) -> None:
    store = make_store(LENGTHS)
    with pytest.raises(ValueError, match="no stage conv9"):
        read_out(network_for(store), store, band_statistics(store, range(2)), 63, "conv9+conv1")
