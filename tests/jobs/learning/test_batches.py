from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jobs.learning.batches import crop_reader, draw_pairs, draw_starts, draw_tracks, pair_labels
from jobs.sound.mel_store import band_statistics

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
