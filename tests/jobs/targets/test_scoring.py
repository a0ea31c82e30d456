from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.targets.recommendation import user_ndcg
from jobs.targets.scoring import evaluate, read_target, target_splits
from study.core.errors import InputFaults
from study.core.sections import Target
from study.testing.target import SEED, TargetContract, TrackLabelContract

N_TRACKS, N_CLASSES = 75, 3


def write_tracks(folder: Path, labels, **columns) -> Path:
    tracks = [f"t{row:03d}" for row in range(len(labels))]
    table = {"track_id": tracks, "path": [f"sound/{track}.flac" for track in tracks], "label": labels, **columns}
    pd.DataFrame(table).to_csv(folder / "tracks.csv", index=False)
    return folder / "tracks.csv"


def attributes() -> np.ndarray:
    """What the tracks of these tests are made of, (n_tracks, 4); row for row the tracks that `write_tracks` writes."""
    return np.random.default_rng(0).normal(size=(N_TRACKS, 4))


def spread(attributes: np.ndarray) -> np.ndarray:
    """The attributes mixed into 20 features."""
    mixing = np.random.default_rng(1).normal(size=(attributes.shape[1], 20))
    return (attributes @ mixing).astype(np.float32)


def classes() -> list[str]:
    return [f"class {k}" for k in attributes()[:, :N_CLASSES].argmax(axis=1)]


class TestClassification(TrackLabelContract):
    chance, leeway = 1 / N_CLASSES, 0.2

    def target(self, folder):
        return Target(
            task="classification",
            tracks=write_tracks(folder, classes()),
            metrics=("accuracy", "f1_macro", "balanced_accuracy"),
            repeats=2,
        )

    def good_features(self, data):
        return spread(attributes())


class TestClassificationByFolds(TestClassification):
    def target(self, folder):
        return super().target(folder).model_copy(update={"folds": 3, "probe": "logistic"})


class TestClassificationByGroups(TestClassification):
    def target(self, folder):
        target = super().target(folder)
        write_tracks(folder, classes(), group=[f"artist {row % 25}" for row in range(N_TRACKS)])
        return target.model_copy(update={"probe": "svm", "repeats": 4})

    def test_no_group_is_in_both_parts(self, data, splits):
        for split in splits:
            assert not set(data.groups[split.train]) & set(data.groups[split.test])
            assert 0.1 < len(split.test) / N_TRACKS < 0.3


class TestPublishedSplit(TestClassification):
    def target(self, folder):
        target = super().target(folder)
        parts = ["test" if row % 4 == 0 else "train" for row in range(N_TRACKS)]
        write_tracks(folder, classes(), split=parts)
        return target.model_copy(update={"split": "published", "probe": "knn"})

    def test_repeats_share_the_published_test_set_and_are_marked(self, data, splits):
        for split in splits:
            assert split.published
            np.testing.assert_array_equal(split.test, np.arange(0, N_TRACKS, 4))

    def test_repeats_differ_by_the_probes_seed(self, data, settings, splits):
        noise = np.random.default_rng(0).normal(size=(N_TRACKS, 8))
        found = evaluate(data, settings.model_copy(update={"probe": "mlp"}), splits, noise, SEED).predictions
        by_repeat = [rows["prediction"].tolist() for _, rows in found.groupby("repeat")]
        assert any(by_repeat[0] != other for other in by_repeat[1:])


class TestRegression(TrackLabelContract):
    chance, leeway = 0, 0.4

    def target(self, folder):
        tracks = write_tracks(folder, 100 + 1e-3 * attributes()[:, 0])
        return Target(task="regression", tracks=tracks, metrics=("pearson", "r2"), repeats=2)

    def good_features(self, data):
        return spread(attributes())


class TestRegressionByNeighbours(TestRegression):
    def target(self, folder):
        return super().target(folder).model_copy(update={"probe": "knn", "folds": 5})


class TestRecommendation(TargetContract):
    tables = ("tracks", "interactions")
    chance, leeway = 0.5, 0.15

    def target(self, folder):
        rng = np.random.default_rng(3)
        liking = rng.normal(size=(60, 4)) @ attributes().T
        users, tracks = np.nonzero(liking > 1.5)
        pd.DataFrame({
            "user_id": [f"u{user}" for user in users],
            "track_id": [f"t{track:03d}" for track in tracks],
            "count": rng.integers(1, 40, size=len(users)),
        }).to_csv(folder / "plays.csv", index=False)  # fmt: skip
        return Target(
            task="recommendation",
            tracks=write_tracks(folder, classes()),
            interactions=folder / "plays.csv",
            metrics=("ndcg@500_heldout", "ndcg@500"),
            repeats=4,
        )

    def good_features(self, data):
        rows = [int(track[1:]) for track in data.track_ids]
        return spread(attributes()[rows])

    def items(self, data, split):
        played = np.flatnonzero(data.plays[:, split.test].sum(axis=1))
        return [data.user_ids[user] for user in played]

    def test_blocks_of_users_do_not_change_the_ranking(self, data, splits, monkeypatch):
        scores = np.random.default_rng(0).normal(size=data.plays.shape)
        users = np.flatnonzero(data.plays[:, splits[0].test].sum(axis=1))
        whole = user_ndcg(data, "ndcg@10", scores, splits[0].test, users)
        monkeypatch.setattr("jobs.targets.recommendation.BLOCK", 7)
        np.testing.assert_array_equal(user_ndcg(data, "ndcg@10", scores, splits[0].test, users), whole)


def test_raw_features_are_left_as_they_are(tmp_path):
    settings = TestClassification().target(tmp_path).model_copy(update={"probe": "knn", "repeats": 1})
    data = read_target(settings, "x")
    splits = target_splits(data, settings, 1, "x")
    features = spread(attributes())
    features[:, 0] *= 1e4  # nothing else counts, unless it is standardised
    raw = settings.model_copy(update={"features": "raw"})
    assert (
        evaluate(data, raw, splits, features, SEED).scores
        == evaluate(data, raw, splits, features * np.eye(20)[0].astype(np.float32), SEED).scores
    )
    assert evaluate(data, settings, splits, features, SEED).scores != evaluate(data, raw, splits, features, SEED).scores


def test_a_probe_that_diverges_is_an_outcome(tmp_path):
    settings = TestRegression().target(tmp_path).model_copy(update={"features": "raw", "repeats": 2})
    data = read_target(settings, "x")
    huge = np.random.default_rng(0).normal(size=(N_TRACKS, 5)).astype(np.float32) * 1e37
    found = evaluate(data, settings, target_splits(data, settings, 1, "x"), huge, SEED)
    assert {score.outcome for score in found.scores} == {"probe diverged"}
    assert len(found.scores) == 4 and found.predictions.empty


def test_one_feature_far_out_is_an_outcome(tmp_path):
    settings = TestRegression().target(tmp_path).model_copy(update={"repeats": 2})
    data = read_target(settings, "x")
    splits = target_splits(data, settings, 1, "x")
    features = 1e-3 * spread(attributes())
    features[splits[0].test[0], 0] = 1e38
    found = evaluate(data, settings, splits, features, SEED)
    assert found.scores[0].outcome == "probe diverged"
    assert len(found.scores) == 4


def test_features_that_cannot_be_solved_for_are_an_outcome(tmp_path):
    settings = TestRecommendation().target(tmp_path).model_copy(update={"features": "raw", "repeats": 1})
    data = read_target(settings, "x")
    huge = np.outer(np.arange(len(data.track_ids)), np.ones(30)) * 1e30
    found = evaluate(data, settings, target_splits(data, settings, 1, "x"), huge, SEED)
    assert {score.outcome for score in found.scores} == {"probe diverged"}


def test_a_metric_that_has_no_value_says_so(tmp_path):
    settings = TestRegression().target(tmp_path).model_copy(update={"repeats": 1, "probe": "svm"})
    data = read_target(settings, "x")
    found = evaluate(data, settings, target_splits(data, settings, 1, "x"), np.zeros((N_TRACKS, 2)), SEED)
    outcome = {score.metric: score.outcome for score in found.scores}
    assert outcome == {"pearson": "undefined metric", "r2": "ok"}


def test_a_probe_that_the_task_has_not_is_a_fault(tmp_path):
    settings = TestRegression().target(tmp_path).model_copy(update={"probe": "logistic"})
    with pytest.raises(InputFaults, match=r"\[targets.valence\] probe = 'logistic': expected one of mlp, knn, svm"):
        read_target(settings, "valence")
