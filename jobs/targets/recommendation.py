"""Recommending tracks that no user has played yet, from their sound alone (paper Eq. 7-9).

Users and tracks get r factors each, which explain who played what. A linear map W ties the tracks' factors to their
features, so that a held-out track x has factors xW. (Van den Oord et al. 2013; Hu et al. 2008)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import linalg, sparse

from jobs.labels.tables import empty_text, faulty_rows, missing_tracks, numbers, read_columns
from jobs.targets.track_labels import TargetData, read_tracks
from study.core.errors import Fault, InputFaults, raise_all
from study.core.sections import Target

FACTORS = 50
ALPHA = 0.1
LAMBDA_USERS = 1e-5
LAMBDA_TRACKS = 1e-5
LAMBDA_MAP = 0.1
ITERATIONS = 15
LEAST_PLAYS = 5
"""Users with fewer tracks and tracks with fewer users are left out, repeatedly until none remain."""
BLOCK = 256
"""Users or tracks at a time, to bound memory."""


@dataclass(frozen=True)
class Factorisation:
    """`users` U (n_users, r), `tracks` V (n_tracks, r) and `feature_map` W (d, r)."""

    users: np.ndarray
    tracks: np.ndarray
    feature_map: np.ndarray


def read_plays(target: Target) -> TargetData:
    """Read `track_id, path` and the interactions `user_id, track_id, count`; leave out users and tracks with few plays.

    Counts of the same user and track add up. Raises InputFaults with every fault of both tables.
    """
    path = target.interactions
    try:
        data = read_tracks(target)
    except InputFaults as tracks_wrong:
        try:
            _read_interactions(path)
        except InputFaults as interactions_wrong:
            raise InputFaults([*tracks_wrong.faults, *interactions_wrong.faults]) from None
        raise
    table, counts = _read_interactions(path, data)
    users, user_ids = pd.factorize(table["user_id"], sort=True)
    tracks = pd.Index(data.track_ids).get_indexer(table["track_id"])
    plays = sparse.csr_array((counts, (users, tracks)), shape=(len(user_ids), len(data.track_ids)))
    user_rows, track_rows = frequent(plays)
    if not user_rows.size:
        expected = f"expected users with {LEAST_PLAYS} or more tracks that have {LEAST_PLAYS} or more users each"
        raise InputFaults([Fault(str(path), "", None, expected)])
    return replace(
        data,
        track_ids=tuple(data.track_ids[row] for row in track_rows),
        paths=tuple(data.paths[row] for row in track_rows),
        plays=plays[user_rows][:, track_rows],
        user_ids=tuple(user_ids[user_rows]),
    )


def _read_interactions(path: Path, data: TargetData | None = None) -> tuple[pd.DataFrame, np.ndarray]:
    """The table and its counts as numbers. Raises InputFaults, also for tracks missing from `data`."""
    table = read_columns(path, ("user_id", "track_id", "count"))
    counts, faults = numbers(path, table, "count")
    faults += faulty_rows(path, table, "count", counts <= 0, "expected a count above 0")
    faults += empty_text(path, table, "user_id") + empty_text(path, table, "track_id")
    if data is not None:
        unknown = sorted(set(table["track_id"]) - {*data.track_ids, ""})
        faults += missing_tracks(str(path), unknown, f"a row in {data.file}")
    raise_all(faults)
    return table, counts


def frequent(plays: sparse.csr_array, least: int = LEAST_PLAYS) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the largest part of the matrix in which each has `least` non-zeros or more."""
    played = sparse.csr_array(plays != 0).astype(np.int64)
    users, tracks = np.arange(plays.shape[0]), np.arange(plays.shape[1])
    while True:
        keep_users, keep_tracks = played.sum(axis=1) >= least, played.sum(axis=0) >= least
        if keep_users.all() and keep_tracks.all():
            return users, tracks
        users, tracks = users[keep_users], tracks[keep_tracks]
        played = played[np.flatnonzero(keep_users)][:, np.flatnonzero(keep_tracks)]


def factorise(
    plays: sparse.csr_array,
    features: np.ndarray,
    rng: np.random.Generator,
    factors: int = FACTORS,
    iterations: int = ITERATIONS,
) -> Factorisation:
    """Alternating least squares on Eq. 7, with its factors of 1/2: U, then V, then W, each minimised given the others.

    `plays` R (n_users, n_tracks), `features` X (n_tracks, d).
    """
    plays = sparse.csr_array(plays)
    played_by = sparse.csr_array(plays.T)
    tracks = rng.normal(scale=0.1, size=(plays.shape[1], factors))
    regression = _Ridge(features, LAMBDA_MAP / LAMBDA_TRACKS)
    feature_map = regression.solve(tracks)
    for _ in range(iterations):
        users = _least_squares(plays, tracks, LAMBDA_USERS / 2, np.zeros((plays.shape[0], factors)))
        tracks = _least_squares(played_by, users, LAMBDA_TRACKS / 2, features @ feature_map)
        feature_map = regression.solve(tracks)
    return Factorisation(users, tracks, feature_map)


def recommend(
    data: TargetData, features: np.ndarray, train: np.ndarray, test: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n_users, n_tracks) of every track for every user, learned from the tracks `train`; and the ranked users.

    `features` (n_tracks, d) standardised. Held-out tracks `test` get the factors that their features map to.
    The second value holds the rows of users who played a held-out track; the others have no ideal ranking.
    """
    fitted = factorise(data.plays[:, train], features[train], rng)
    tracks = np.empty((len(data.track_ids), fitted.tracks.shape[1]))
    tracks[train] = fitted.tracks
    tracks[test] = features[test] @ fitted.feature_map
    return fitted.users @ tracks.T, np.flatnonzero(data.plays[:, test].sum(axis=1))


def user_ndcg(data: TargetData, metric: str, scores: np.ndarray, test: np.ndarray, users: np.ndarray) -> np.ndarray:
    """nDCG (n_users,) of the given users: `ndcg@K` ranks all tracks, `ndcg@K_heldout` only held-out ones.

    The relevant tracks are the held-out ones that a user played.
    """
    cut_off = int(metric.removesuffix("_heldout").split("@")[1])
    ranked = test if metric.endswith("_heldout") else np.arange(len(data.track_ids))
    values = []
    for start in range(0, len(users), BLOCK):
        some = users[start : start + BLOCK]
        relevant = np.zeros((len(some), len(data.track_ids)), dtype=bool)
        relevant[:, test] = data.plays[some][:, test].toarray() > 0
        values.append(ndcg(relevant[:, ranked], scores[np.ix_(some, ranked)], cut_off))
    return np.concatenate(values)


def ndcg(relevant: np.ndarray, scores: np.ndarray, cut_off: int) -> np.ndarray:
    """Normalised discounted cumulative gain (n,) of rankings by `scores` (n, n_items), down to place `cut_off`.

    `relevant` (n, n_items) are gains of 0 or 1, at least one in each row. Tied items share the mean discount of their
    places, so that the items' order does not matter. (Jarvelin & Kekalainen 2002; McSherry & Najork 2008)
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    discount = 1 / np.log2(np.arange(scores.shape[1]) + 2)
    discount[cut_off:] = 0
    ranked = np.take_along_axis(scores, order, axis=1)
    starts = np.ones(ranked.shape, dtype=bool)
    starts[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    tie = np.cumsum(starts.ravel()) - 1
    shared = np.bincount(tie, weights=np.tile(discount, len(scores))) / np.bincount(tie)
    gain = np.sum(np.take_along_axis(relevant, order, axis=1) * shared[tie].reshape(ranked.shape), axis=1)
    return gain / np.cumsum(discount)[relevant.sum(axis=1) - 1]


def _least_squares(plays: sparse.csr_array, others: np.ndarray, weight: float, prior: np.ndarray) -> np.ndarray:
    """Each row's factors (n, r) at the minimum of its confidence-weighted squares + `weight` |factors - prior|^2.

    C = 1 + alpha R is 1 where nothing was played, so the normal matrix is O'O + alpha O'RO, the second over plays only.
    """
    factors = others.shape[1]
    shared = others.T @ others + weight * np.eye(factors)
    confidence = sparse.csr_array((1 + ALPHA * plays.data, plays.indices, plays.indptr), shape=plays.shape)
    right = confidence @ others + weight * prior
    solved = np.empty_like(prior)
    for start in range(0, len(prior), BLOCK):
        normal = np.stack(list(_normal_matrices(plays, others, shared, start, min(start + BLOCK, len(prior)))))
        solved[start : start + BLOCK] = np.linalg.solve(normal, right[start : start + BLOCK, :, None])[:, :, 0]
    return solved


def _normal_matrices(
    plays: sparse.csr_array, others: np.ndarray, shared: np.ndarray, start: int, stop: int
) -> Iterator[np.ndarray]:
    for row in range(start, stop):
        entries = slice(plays.indptr[row], plays.indptr[row + 1])
        played = others[plays.indices[entries]]
        yield shared + (played.T * (ALPHA * plays.data[entries])) @ played


class _Ridge:
    """Ridge regression on fixed features (n, d), factorised once on their smaller side."""

    def __init__(self, features: np.ndarray, penalty: float) -> None:
        self._features = features
        self._dual = features.shape[1] > features.shape[0]
        gram = features @ features.T if self._dual else features.T @ features
        self._factor = linalg.cho_factor(gram + penalty * np.eye(len(gram)))

    def solve(self, tracks: np.ndarray) -> np.ndarray:
        """W (d, r) at the minimum of |V - XW|^2 + penalty |W|^2."""
        if self._dual:
            return self._features.T @ linalg.cho_solve(self._factor, tracks)
        return linalg.cho_solve(self._factor, self._features.T @ tracks)
