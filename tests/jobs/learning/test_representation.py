from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from jobs.learning import representation
from jobs.learning.batches import crop_reader
from jobs.learning.representation import load_network, represent, save_weights, set_normalisations
from jobs.networks.branching import build_network
from jobs.sound.mel_store import band_statistics
from study.core.cost import n_slices
from study.core.errors import Damaged
from study.core.sections import Mel
from study.testing.source_outputs import features

SEED = np.random.SeedSequence(3)
LENGTHS = [130, 63, 400, 125, 200, 64]


def network_for(store, strategy: str = "MS-CR@6"):
    sources = {"self": None, "tag": 4}
    network = build_network(strategy, sources, store.channels, store.n_mels, width=0.25, seed=SEED)
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_mean.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(1))
    return network


def test_mean_and_deviation_over_slices_by_hand(make_store) -> None:
    store = make_store(LENGTHS)
    statistics = band_statistics(store, range(len(LENGTHS)))
    network = network_for(store)
    found = represent(network, store, statistics, 63)
    assert found.shape == (len(LENGTHS), 2 * network.representation_dim) and found.dtype == np.float32

    network.eval()
    mean, deviation = (torch.from_numpy(values).float() for values in statistics)
    for track in range(len(LENGTHS)):
        decibels = heard(store, track, 63)
        crops = (decibels - mean) / deviation
        values = torch.cat([features(network, crops, source) for source in ("self", "tag")], dim=1).detach().double()
        expected = torch.cat((values.mean(dim=0), values.std(dim=0, correction=0)))
        np.testing.assert_allclose(found[track], expected.numpy(), rtol=2e-4, atol=2e-5)


def heard(store, track: int, length: int) -> torch.Tensor:
    """The slices of a track by hand, in dB, (n, channels, length, bands)."""
    first, n = store.first_frame[track], store.n_frames[track]
    sound = store.frames[first : first + n].astype(np.float32) * 80 / 255 - 80 + store.peak_db[track]
    slices = []
    for start in range(0, n, length):
        part = sound[start : start + length]
        if len(part) >= length / 2 or not slices:
            floor = np.full((length - len(part), *part.shape[1:]), store.peak_db[track] - 80, np.float32)
            slices.append(np.concatenate((part, floor)).transpose(1, 0, 2))
    return torch.from_numpy(np.stack(slices))


@pytest.mark.parametrize(
    ("seconds", "n"), [(30, 12), (5, 2), (2.5, 1), (1, 1), (3.7, 1), (3.8, 2), (29.5, 12), (28, 11)]
)
def test_slices_of_a_clip_in_seconds(seconds: float, n: int) -> None:
    mel = Mel()
    frames = 1 + int(seconds * 22050) // mel.hop_samples  # centred frames
    assert n_slices(np.array([frames]), mel.crop_frames(22050)).tolist() == [n]


@pytest.mark.parametrize("kind", ["uint8", "float16"])
@pytest.mark.parametrize("resident", [False, True])
def test_a_slice_beyond_the_end_is_padded_with_the_floor(make_store, kind: str, resident: bool) -> None:
    codes = np.random.default_rng(1).integers(0, 256, (230, 1, 32)).astype(np.uint8)
    if kind == "float16":
        codes = (codes.astype(np.float32) * 80 / 255 - 80).astype(np.float16)
    store = replace(make_store([100, 130], codes=codes), peak_db=np.array([-3.0, -9.0], np.float32))
    statistics = np.zeros(32), np.ones(32)
    reader = crop_reader(store, statistics, 63, torch.device("cpu"), resident)
    found = reader.read_slices(np.array([0, 1, 0, 1]), np.array([0, 126, 63, 63]))
    assert [bool((values == peak - 80).all()) for values, peak in ((found[2, :, 37:], -3), (found[1, :, 4:], -9))] == [
        True,
        True,
    ]
    torch.testing.assert_close(found[2, :, :37], reader.read(np.array([0]), np.array([37]))[0, :, 26:])
    torch.testing.assert_close(found[1, :, :4], reader.read(np.array([1]), np.array([67]))[0, :, 59:])
    torch.testing.assert_close(found[3], reader.read(np.array([1]), np.array([63]))[0])
    torch.testing.assert_close(found[0], reader.read(np.array([0]), np.array([0]))[0])


def test_one_slice_has_deviation_zero(make_store) -> None:
    store = make_store(LENGTHS)
    network = network_for(store)
    found = represent(network, store, band_statistics(store, [0]), 63)
    deviations = found[:, network.representation_dim :]
    np.testing.assert_array_equal((deviations == 0).all(axis=1), [length < 63 + 32 for length in LENGTHS])


def test_batches_and_groups_change_nothing(make_store, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(LENGTHS)
    network, statistics = network_for(store), band_statistics(store, [0])
    at_once = represent(network, store, statistics, 63)
    monkeypatch.setattr(representation, "BATCH_CROPS", 2)
    monkeypatch.setattr(representation, "GROUP_CROPS", 3)
    np.testing.assert_allclose(represent(network, store, statistics, 63), at_once, rtol=2e-4, atol=2e-5)


def test_weights_come_back_whole(make_store, tmp_path: Path) -> None:
    store = make_store(LENGTHS)
    network, statistics = network_for(store, "MS-SR@FC"), band_statistics(store, [0, 1])
    path = tmp_path / "run" / "weights.safetensors"
    save_weights(path, network, statistics, {"run_id": "ab12", "mel": {"n_fft": 1024}})
    again, its_statistics, description = load_network(path)
    assert description == {"run_id": "ab12", "mel": {"n_fft": 1024}}
    assert again.specification == network.specification and not again.training
    for one, other in zip(statistics, its_statistics, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        represent(network, store, statistics, 63), represent(again, store, its_statistics, 63)
    )


def test_the_same_network_is_the_same_bytes(make_store, tmp_path: Path) -> None:
    store = make_store(LENGTHS)
    network, statistics = network_for(store), band_statistics(store, [0])
    path, contents = tmp_path / "weights.safetensors", set()
    for _ in range(20):  # the order of several keys would differ among so many
        save_weights(path, network, statistics, {"run_id": "ab12"})
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_weights_have_the_mode_of_all_other_files(make_store, tmp_path: Path) -> None:
    store, path = make_store(LENGTHS), tmp_path / "weights.safetensors"
    before = os.umask(0o027)
    try:
        save_weights(path, network_for(store), band_statistics(store, [0]), {})
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_damaged_file_is_named(make_store, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(Damaged, match=r"weights.safetensors: damaged, missing; .*trains the run again"):
        load_network(path)
    store = make_store(LENGTHS)
    save_weights(path, network_for(store), band_statistics(store, [0]), {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Damaged, match=r"weights.safetensors: damaged, its content is not what was written"):
        load_network(path)


def random_network(store, statistics, tracks, seed):
    network = build_network("SS-R", {}, store.channels, store.n_mels, width=0.25, seed=seed)
    set_normalisations(network, store, statistics, tracks, 63, seed)
    return network


def test_the_random_baseline_has_the_corpus_moments(make_store) -> None:
    store = make_store([63] * 10)
    statistics = band_statistics(store, range(10))
    tracks = np.arange(8)
    network = random_network(store, statistics, tracks, SEED)
    assert not network.training and network.representation_dim == 64
    crops = crop_reader(store, statistics, 63, torch.device("cpu")).read(tracks, np.zeros(8, dtype=int))
    maps = network.shared.conv1.conv(crops)  # one batch, and one crop a clip: its moments are the corpus's
    norm = network.shared.conv1.norm
    torch.testing.assert_close(norm.running_mean, maps.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(norm.running_var, maps.var(dim=(0, 2, 3)), rtol=1e-3, atol=1e-6)
    assert norm.momentum == 0.1

    again = random_network(store, statistics, tracks, SEED)
    other = random_network(store, statistics, tracks, np.random.SeedSequence(4))
    np.testing.assert_array_equal(represent(network, store, statistics, 63), represent(again, store, statistics, 63))
    assert not np.allclose(represent(network, store, statistics, 63), represent(other, store, statistics, 63))


def test_the_random_baseline_averages_over_batches(make_store, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store([63] * 8)
    statistics = band_statistics(store, range(8))
    whole = random_network(store, statistics, np.arange(8), SEED).shared.conv1.norm
    monkeypatch.setattr(representation, "BATCH_CROPS", 2)
    parts = random_network(store, statistics, np.arange(8), SEED).shared.conv1.norm
    assert parts.num_batches_tracked == 4
    torch.testing.assert_close(parts.running_mean, whole.running_mean)
