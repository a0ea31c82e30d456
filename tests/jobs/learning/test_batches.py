from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jobs.learning.batches import (
    CropReader,
    crop_reader,
    draw_pairs,
    draw_starts,
    draw_tracks,
    fits_on,
    leaves_room,
    pair_labels,
    prefetched,
)
from jobs.learning.tasks import Batch, source_tasks, training_batches, validation_batches
from jobs.networks.branching import build_network
from jobs.sound.mel_store import MelStore, band_statistics

CPU = torch.device("cpu")
TRACKS = np.array([3, 5, 8, 9, 20, 21, 22])


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_tracks_come_once_a_batch_where_there_are_enough(n: int, seed: int) -> None:
    drawn = draw_tracks(np.random.default_rng(seed), TRACKS, n)
    assert len(drawn) == n
    assert set(drawn) <= set(TRACKS)
    if n <= len(TRACKS):
        assert len(set(drawn)) == n


@given(st.integers(2, 7), st.integers(1, 40), st.integers(0, 2**32))
def test_half_the_pairs_are_of_one_track(n_tracks: int, n: int, seed: int) -> None:
    drawn = draw_pairs(np.random.default_rng(seed), TRACKS[:n_tracks], n)
    assert len(drawn) == 2 * n
    left, right = drawn[:n], drawn[n:]
    assert set(drawn) <= set(TRACKS[:n_tracks])
    np.testing.assert_array_equal(left == right, pair_labels(n, CPU).numpy() == 1)
    assert (left == right).sum() == n // 2


def test_every_track_and_every_pair_comes_up() -> None:
    generator = np.random.default_rng(0)
    assert set(draw_tracks(generator, TRACKS, 500)) == set(TRACKS)
    left, right = np.split(draw_pairs(generator, TRACKS, 4000), 2)
    assert len(set(zip(left, right, strict=True))) == len(TRACKS) ** 2


def test_every_track_is_in_both_halves_of_a_batch_of_all_tracks() -> None:
    generator = np.random.default_rng(0)
    batches = [draw_pairs(generator, TRACKS, len(TRACKS)) for _ in range(100)]
    same = np.concatenate([batch[: len(TRACKS) // 2] for batch in batches])
    different = np.concatenate([batch[len(TRACKS) // 2 : len(TRACKS)] for batch in batches])
    for drawn in (same, different):
        counts = np.array([(drawn == track).sum() for track in TRACKS])
        expected = len(drawn) / len(TRACKS)
        assert ((counts - expected) ** 2 / expected).sum() < 22.5  # chi-square, 6 degrees of freedom, p = 0.001


def test_pairs_need_two_tracks() -> None:
    with pytest.raises(ValueError, match="2 tracks or more, and there are 1"):
        draw_pairs(np.random.default_rng(0), TRACKS[:1], 4)


def test_starts_reach_both_ends_of_a_clip(make_store) -> None:
    store = make_store([63, 65, 70])
    tracks = np.repeat([0, 1, 2], 200)
    starts = draw_starts(np.random.default_rng(0), store, tracks, 63)
    assert [set(starts[tracks == track]) for track in range(3)] == [{0}, set(range(3)), set(range(8))]


def test_crops_are_standardised_by_band(make_store) -> None:
    store = make_store([80, 90], channels=2)
    store.frames[..., 4] = 17  # a band that never changes
    statistics = band_statistics(store, [0, 1])
    reader = crop_reader(store, statistics, 63, CPU)
    crops = reader.read(np.array([1, 0]), np.array([27, 0]))
    assert crops.shape == (2, 2, 63, 32) and crops.dtype == torch.float32
    decibels = store.frames[80 + 27 : 80 + 90].astype(float).transpose(1, 0, 2) * (80 / 255) - 80
    expected = (decibels - statistics[0]) / np.where(statistics[1] > 0, statistics[1], 1)
    np.testing.assert_allclose(crops[0].numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(crops[..., 4], 0, atol=1e-5)


SOURCES = {"self": None, "tag": 3}


def some_batches(reader: CropReader, n: int, ahead: bool = False) -> list[Batch]:
    network = build_network("MS-SR@FC", SOURCES, 1, 32, 0.1, seed=np.random.SeedSequence(0))
    labels = np.random.default_rng(1).dirichlet(np.ones(3), 12)
    tasks = source_tasks(network, {"tag": labels}, np.arange(9), np.arange(9, 12), CPU)
    batches = training_batches(np.random.default_rng(7), reader, tasks, 4)
    with closing(prefetched(batches) if ahead else batches) as given:
        return [next(given) for _ in range(n)] + list(validation_batches(np.random.default_rng(8), reader, tasks, 2))


@pytest.mark.parametrize("kind", [np.uint8, np.float16])
def test_batches_are_the_same_from_the_device_and_from_a_thread(make_store, kind: type) -> None:
    store: MelStore = make_store([63, 70, 64, 80] * 3)
    store = replace(store, frames=store.frames.astype(kind), peak_db=np.arange(12, dtype=np.float32))
    here, there = (crop_reader(store, (np.zeros(32), np.ones(32)), 63, CPU, resident) for resident in (False, True))
    assert here.resident is None and there.resident.dtype == torch.from_numpy(store.frames).dtype
    plain = some_batches(here, 20)
    assert {batch.source for batch in plain} == {0, 1} and [batch.n for batch in plain[20:]] == [2, 1, 2, 1]
    for others in (some_batches(there, 20), some_batches(here, 20, ahead=True)):
        for one, other in zip(plain, others, strict=True):
            assert (one.source, one.n, one.generator_state) == (other.source, other.n, other.generator_state)
            for name in ("codes", "peak_db", "wanted"):
                assert torch.equal(getattr(one, name), getattr(other, name))
    with pytest.raises(IndexError, match="exceeds its clip"):
        there.gather(np.array([0]), np.array([1]))


def test_the_generator_state_of_a_batch_gives_the_next(make_store) -> None:
    reader = crop_reader(make_store([63] * 12), (np.zeros(32), np.ones(32)), 63, CPU)
    third, fourth = some_batches(reader, 4)[2:4]
    generator = np.random.default_rng()
    generator.bit_generator.state = third.generator_state
    network = build_network("MS-SR@FC", SOURCES, 1, 32, 0.1, seed=np.random.SeedSequence(0))
    labels = {"tag": np.random.default_rng(1).dirichlet(np.ones(3), 12)}
    tasks = source_tasks(network, labels, np.arange(9), np.arange(9, 12), CPU)
    again = next(training_batches(generator, reader, tasks, 4))
    assert again.source == fourth.source and torch.equal(again.codes, fourth.codes)


@pytest.mark.parametrize(
    ("free_gib", "share_gib", "most_gib"),
    [(139, 139, 135), (60, 139, 56), (139, 139 / 4, 139 / 4 - 4), (139, 10, 6), (8, 80, 4), (6, 80, 3), (80, 1, 0.5)],
)
def test_a_store_leaves_4_gib_to_the_training_or_half(free_gib: float, share_gib: float, most_gib: float) -> None:
    free, share, most = (int(gib * 2**30) for gib in (free_gib, share_gib, most_gib))
    assert leaves_room(most, free, share) and not leaves_room(most + 2, free, share)


def test_the_store_of_the_founding_study_lies_on_a_card_of_four_runs() -> None:
    store, card = int(28.6 * 2**30), 139 << 30
    assert [runs for runs in range(1, 9) if leaves_room(store, card, card / runs)] == [1, 2, 3, 4]


def test_what_an_earlier_training_gave_back_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not fits_on(CPU, 1, 1.0)
    gpu, gib = torch.device("cuda"), 2**30
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10 * gib, 100 * gib))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 53 * gib)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 3 * gib)
    assert [fits_on(gpu, n * gib, 1.0) for n in (56, 57)] == [True, False]
    assert [fits_on(gpu, n * gib, 0.25) for n in (21, 22)] == [True, False]
