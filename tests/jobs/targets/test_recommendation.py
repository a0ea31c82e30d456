from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import ndcg_score

from jobs.targets import recommendation
from jobs.targets.recommendation import (
    ALPHA,
    ITERATIONS,
    LAMBDA_MAP,
    LAMBDA_TRACKS,
    LAMBDA_USERS,
    factorise,
    frequent,
    ndcg,
    read_plays,
    recommend,
    user_ndcg,
)
from jobs.targets.track_labels import TargetData
from study.core.errors import InputFaults
from study.core.sections import Target


def problem(seed=0, n_users=30, n_tracks=24, d=6, density=0.3):
    """Plays R (n_users, n_tracks) and features X (n_tracks, d)."""
    rng = np.random.default_rng(seed)
    plays = rng.integers(1, 20, size=(n_users, n_tracks)) * (rng.random((n_users, n_tracks)) < density)
    return plays.astype(float), rng.normal(size=(n_tracks, d))


def dense_objective(plays, features, users, tracks, feature_map):
    """Eq. 7-9 as they are written."""
    preference = (plays > 0).astype(float)
    confidence = 1 + 0.1 * plays
    return (
        np.sum(confidence * (preference - users @ tracks.T) ** 2)
        + 1e-5 / 2 * np.linalg.norm(tracks - features @ feature_map) ** 2
        + 1e-5 / 2 * np.linalg.norm(users) ** 2
        + 0.1 / 2 * np.linalg.norm(feature_map) ** 2
    )


def dense_factorise(plays, features, tracks, iterations):
    """Alternating least squares, one user and one track after the other, every matrix written out."""
    factors = tracks.shape[1]
    preference, confidence = (plays > 0).astype(float), 1 + 0.1 * plays
    gram = 1e-5 * features.T @ features + 0.1 * np.eye(features.shape[1])
    feature_map = np.linalg.inv(gram) @ (1e-5 * features.T @ tracks)
    users = np.empty((len(plays), factors))
    for _ in range(iterations):
        for u in range(len(plays)):
            weights = np.diag(confidence[u])
            normal = 2 * tracks.T @ weights @ tracks + 1e-5 * np.eye(factors)
            users[u] = np.linalg.inv(normal) @ (2 * tracks.T @ weights @ preference[u])
        updated = np.empty_like(tracks)
        for i in range(plays.shape[1]):
            weights = np.diag(confidence[:, i])
            normal = 2 * users.T @ weights @ users + 1e-5 * np.eye(factors)
            updated[i] = np.linalg.inv(normal) @ (
                2 * users.T @ weights @ preference[:, i] + 1e-5 * features[i] @ feature_map
            )
        tracks = updated
        feature_map = np.linalg.inv(gram) @ (1e-5 * features.T @ tracks)
    return users, tracks, feature_map


def test_the_constants_are_the_papers():
    assert (ALPHA, LAMBDA_USERS, LAMBDA_TRACKS, LAMBDA_MAP) == (0.1, 1e-5, 1e-5, 0.1)
    assert (recommendation.FACTORS, ITERATIONS, recommendation.LEAST_PLAYS) == (50, 15, 5)


@pytest.mark.parametrize("d", [6, 40])  # fewer and more features than tracks
def test_the_fit_is_that_of_dense_least_squares(d):
    plays, features = problem(d=d)
    start = np.random.default_rng(9).normal(scale=0.1, size=(plays.shape[1], 4))
    users, tracks, feature_map = dense_factorise(plays, features, start, iterations=4)
    fitted = factorise(sparse.csr_array(plays), features, np.random.default_rng(9), factors=4, iterations=4)
    np.testing.assert_allclose(fitted.users, users, atol=1e-7)
    np.testing.assert_allclose(fitted.tracks, tracks, atol=1e-7)
    np.testing.assert_allclose(fitted.feature_map, feature_map, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 8), st.integers(1, 40), st.floats(0.05, 0.9))
def test_the_objective_never_rises(seed, factors, d, density):
    plays, features = problem(seed, d=d, density=density)
    values = []
    for iterations in range(1, 8):
        fitted = factorise(sparse.csr_array(plays), features, np.random.default_rng(seed), factors, iterations)
        values.append(dense_objective(plays, features, fitted.users, fitted.tracks, fitted.feature_map))
    assert (np.diff(values) <= 1e-7 * (1 + np.abs(values[0]))).all()


def test_the_fit_is_a_minimum_in_each_factor_given_the_others():
    plays, features = problem()
    fitted = factorise(sparse.csr_array(plays), features, np.random.default_rng(0), factors=3, iterations=200)
    at = [fitted.users, fitted.tracks, fitted.feature_map]
    least = dense_objective(plays, features, *at)
    rng = np.random.default_rng(1)
    for part in range(3):
        for _ in range(20):
            moved = [value + 1e-3 * rng.normal(size=value.shape) * (part == k) for k, value in enumerate(at)]
            assert dense_objective(plays, features, *moved) > least


def test_more_factors_than_tracks_and_users_are_fine():
    plays, features = problem(n_users=8, n_tracks=7)
    fitted = factorise(sparse.csr_array(plays), features, np.random.default_rng(0), factors=50)
    assert all(np.isfinite(part).all() for part in (fitted.users, fitted.tracks, fitted.feature_map))
    np.testing.assert_allclose(fitted.users @ fitted.tracks.T, plays > 0, atol=0.01)


def test_users_and_tracks_without_plays_get_no_score():
    plays, features = problem()
    plays[4] = 0
    plays[:, 7] = 0
    fitted = factorise(sparse.csr_array(plays), features, np.random.default_rng(0), factors=5)
    np.testing.assert_array_equal(fitted.users[4], 0)
    assert np.abs(fitted.users @ fitted.tracks[7]).max() < 0.01


def data_of(plays) -> TargetData:
    ids = tuple(f"t{row}" for row in range(plays.shape[1]))
    return TargetData("plays.csv", "recommendation", ids, tuple(map(Path, ids)), plays=sparse.csr_array(plays),
                      user_ids=tuple(f"u{row}" for row in range(len(plays))))  # fmt: skip


def test_held_out_tracks_are_scored_by_their_features_alone():
    plays, features = problem(n_tracks=40)
    train, test = np.arange(30), np.arange(30, 40)
    scores, users = recommend(data_of(plays), features, train, test, np.random.default_rng(3))
    fitted = factorise(sparse.csr_array(plays[:, train]), features[train], np.random.default_rng(3))
    np.testing.assert_allclose(scores[:, test], fitted.users @ (features[test] @ fitted.feature_map).T)
    np.testing.assert_allclose(scores[:, train], fitted.users @ fitted.tracks.T)
    np.testing.assert_array_equal(users, np.flatnonzero(plays[:, test].sum(axis=1)))
    plays[:, test] = np.random.default_rng(0).permuted(plays[:, test], axis=0)
    unseen, _ = recommend(data_of(plays), features, train, test, np.random.default_rng(3))
    np.testing.assert_array_equal(unseen, scores)  # what was held out told nothing


def test_ndcg_known_answers():
    scores = np.array([[0.9, 0.8, 0.7, 0.6]] * 4)
    relevant = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 1, 0, 1]], dtype=bool)
    np.testing.assert_allclose(
        ndcg(relevant, scores, 500),
        [1, 1 / np.log2(3), 1 / np.log2(5), (1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3))],
    )
    np.testing.assert_allclose(
        ndcg(relevant, scores, 2), [1, 1 / np.log2(3), 0, (1 / np.log2(3)) / (1 + 1 / np.log2(3))]
    )


def test_ties_share_their_places():
    relevant = np.array([[True, False, False, False]])
    expected = np.mean(1 / np.log2(np.arange(4) + 2))
    assert ndcg(relevant, np.zeros((1, 4)), 500) == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(1, 40), st.booleans())
def test_ndcg_is_that_of_scikit_learn(seed, n_items, cut_off, tied):
    rng = np.random.default_rng(seed)
    relevant = rng.random((6, n_items)) < 0.3
    relevant[:, 0] |= ~relevant.any(axis=1)
    scores = rng.integers(0, 4, size=(6, n_items)).astype(float) if tied else rng.normal(size=(6, n_items))
    expected = [ndcg_score(relevant[[row]], scores[[row]], k=cut_off) for row in range(6)]
    np.testing.assert_allclose(ndcg(relevant, scores, cut_off), expected, atol=1e-12)


def test_the_two_rankings():
    plays = np.array([[1, 1, 0, 0, 1.0]])  # tracks 3 and 4 are held out, 4 was played
    scores = np.array([[5.0, 4, 3, 2, 1]])
    data, test, users = data_of(plays), np.array([3, 4]), np.array([0])
    assert user_ndcg(data, "ndcg@500", scores, test, users) == pytest.approx(1 / np.log2(6))
    assert user_ndcg(data, "ndcg@500_heldout", scores, test, users) == pytest.approx(1 / np.log2(3))
    assert user_ndcg(data, "ndcg@4", scores, test, users) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6))
def test_what_is_left_has_enough_plays_and_nothing_more_could_be_kept(seed, least):
    rng = np.random.default_rng(seed)
    plays = rng.random((25, 20)) < rng.random() * rng.random((25, 1)) * rng.random(20) * 2
    users, tracks = frequent(sparse.csr_array(plays.astype(float)), least)
    left = plays[np.ix_(users, tracks)]
    assert (left.sum(axis=0) >= least).all() and (left.sum(axis=1) >= least).all()
    keep_users, keep_tracks = np.ones(25, dtype=bool), np.ones(20, dtype=bool)
    for _ in range(50):  # one at a time, in another order
        for user in range(25):
            keep_users[user] &= plays[user, keep_tracks].sum() >= least
        for track in range(20):
            keep_tracks[track] &= plays[keep_users, track].sum() >= least
    np.testing.assert_array_equal(np.flatnonzero(keep_users), users)
    np.testing.assert_array_equal(np.flatnonzero(keep_tracks), tracks)


def write(folder, plays, tracks=12):
    pd.DataFrame({"track_id": [f"t{row:02d}" for row in range(tracks)], "path": "x.wav"}).to_csv(
        folder / "tracks.csv", index=False
    )
    pd.DataFrame(plays, columns=["user_id", "track_id", "count"]).to_csv(folder / "plays.csv", index=False)
    return Target(task="recommendation", tracks=folder / "tracks.csv", interactions=folder / "plays.csv")


def test_reading_adds_up_counts_and_leaves_out_what_is_rare(tmp_path):
    plays = [(f"u{user}", f"t{track:02d}", 1 + user) for user in range(6) for track in range(11)]
    plays += [("u0", "t03", 7), ("rare", "t00", 9), ("u1", "t11", 2)]
    data = read_plays(write(tmp_path, plays))
    assert data.track_ids == tuple(f"t{track:02d}" for track in range(11))  # t11 has one user
    assert data.user_ids == tuple(f"u{user}" for user in range(6))
    assert data.plays.shape == (6, 11) and data.plays[0, 3] == 8 and data.plays[5, 0] == 6
    assert len(data.paths) == 11


def test_all_faults_of_the_interactions_at_once(tmp_path):
    target = write(tmp_path, [("u", "t00", 1), ("u", "t01", 0), ("", "t02", -3), ("u", "", "x"), ("u", "t99", 1)])
    with pytest.raises(InputFaults) as caught:
        read_plays(target)
    assert {(fault.key, fault.value) for fault in caught.value.faults} == {
        ("row 2 count", "0"), ("row 3 count", "-3"), ("row 4 count", "x"), ("row 3 user_id", ""),
        ("row 4 track_id", ""), ("track_id", "t99"),
    }  # fmt: skip
    assert f"track_id = 't99': expected a row in {target.tracks}" in str(caught.value)


def test_faults_of_both_tables_are_told_together(tmp_path):
    target = write(tmp_path, [("u", "t00", 0)])
    (tmp_path / "tracks.csv").write_text("track_id\nt00\n")
    with pytest.raises(InputFaults) as caught:
        read_plays(target)
    assert [(fault.file, fault.key) for fault in caught.value.faults] == [
        (str(target.tracks), "path"), (str(target.interactions), "row 1 count"),
    ]  # fmt: skip
    (tmp_path / "plays.csv").write_text("user_id,track_id,count\nu,t00,1\n")
    with pytest.raises(InputFaults, match="path: missing column"):
        read_plays(target)


def test_interactions_that_leave_nothing_are_a_fault(tmp_path):
    with pytest.raises(InputFaults, match="expected users with 5 or more tracks"):
        read_plays(write(tmp_path, [("u", "t00", 1), ("v", "t01", 1)]))
