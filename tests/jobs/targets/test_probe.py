from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from jobs.targets.probe import PROBES, SCORES, principal_components, probe_predictions, standardise
from study.core.sections import METRICS

CHOI = Path(__file__).parents[3] / "../shared/reference/choi2017"


def blobs(n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(["x", "y", "z"], n // 3)
    features = rng.normal(size=(n, 8))
    features[:, 0] += 3 * (labels == "x")
    features[:, 1] += 3 * (labels == "y")
    return features, labels


def test_every_metric_of_the_study_file_is_scored():
    assert set(SCORES) == {metric for task in METRICS if task != "recommendation" for metric in METRICS[task]}


def test_known_scores():
    labels, predictions = np.array(["a", "a", "a", "b"]), np.array(["a", "a", "b", "b"])
    assert SCORES["accuracy"](labels, predictions) == 0.75
    assert SCORES["balanced_accuracy"](labels, predictions) == pytest.approx((2 / 3 + 1) / 2)
    assert SCORES["f1_macro"](labels, predictions) == pytest.approx((0.8 + 2 / 3) / 2)
    labels, predictions = np.array([1.0, 2, 3]), np.array([2.0, 4, 6])
    assert SCORES["pearson"](labels, predictions) == pytest.approx(1)
    assert SCORES["r2"](labels, predictions) == pytest.approx(1 - 14 / 2)
    assert np.isnan(SCORES["pearson"](labels, np.ones(3))) and np.isnan(SCORES["r2"](np.ones(3), labels))


def test_balanced_accuracy_is_scikit_learns_and_takes_predicted_classes_that_are_not_tested():
    rng = np.random.default_rng(0)
    labels, predictions = rng.choice(list("abc"), 50), rng.choice(list("abc"), 50)
    assert SCORES["balanced_accuracy"](labels, predictions) == pytest.approx(
        balanced_accuracy_score(labels, predictions)
    )
    assert SCORES["balanced_accuracy"](np.array(["a", "a"]), np.array(["a", "b"])) == 0.5


def test_features_are_standardised_on_the_training_part():
    features = np.random.default_rng(0).normal(5, 3, size=(40, 6)).astype(np.float32)
    training = np.arange(30)
    ours = standardise(features, training)
    np.testing.assert_allclose(ours, StandardScaler().fit(features[training]).transform(features), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.floats(-1e6, 1e6, width=32), st.integers(2, 20))
def test_a_feature_constant_in_training_is_0_everywhere(constant, n):
    features = np.column_stack((np.full(n + 1, constant), np.arange(n + 1))).astype(np.float32)
    features[n, 0] += 1
    ours = standardise(features, np.arange(n))
    np.testing.assert_array_equal(ours[:, 0], 0)
    assert ours[:n, 1].std() == pytest.approx(1)


def test_a_feature_constant_but_for_rounding_is_0():
    features = np.full((20, 1), 0.1, dtype=np.float32)
    features[::2] = np.nextafter(np.float32(0.1), np.float32(1))
    np.testing.assert_array_equal(standardise(features, np.arange(20)), 0)


LEARNED = [(task, probe) for task, probes in PROBES.items() for probe in probes if task != "multilabel"]
"""Those of tags are tested in tests/test_own_head.py."""


@pytest.mark.parametrize(("task", "probe"), LEARNED)
def test_every_probe_learns(task, probe):
    features, labels = blobs()
    rows = np.random.default_rng(1).permutation(60)
    train, test = rows[:45], rows[45:]
    if task == "classification":
        found = probe_predictions(task, probe, features, labels, train, test, seed=0)
        assert np.mean(found == labels[test]) > 0.8
    else:
        values = 1000 + 0.01 * features[:, 0]
        found = probe_predictions(task, probe, features, values, train, test, seed=0)
        assert SCORES["r2"](values[test], found) > 0.4
        assert found.dtype == np.float64


def test_the_mlp_is_the_papers():
    features, labels = blobs()
    train, test = np.arange(0, 60, 2), np.arange(1, 60, 2)
    theirs = MLPClassifier((256, 256), activation="relu", solver="adam", max_iter=200, random_state=4)
    theirs.fit(features[train].astype(np.float32), labels[train])
    ours = probe_predictions("classification", "mlp", features, labels, train, test, seed=4)
    np.testing.assert_array_equal(ours, theirs.predict(features[test].astype(np.float32)))


def test_reaching_200_iterations_is_no_warning():
    features = np.random.default_rng(0).normal(size=(30, 1)) * 1e-3  # hardly anything to learn from: slow
    labels = np.random.default_rng(0).choice(["x", "y"], 30)
    probe_predictions("classification", "mlp", features, labels, np.arange(20), np.arange(20, 30), seed=0)


@pytest.mark.parametrize("probe", PROBES["regression"])
def test_the_unit_of_labels_does_not_matter(probe):
    features, _ = blobs()
    values = features[:, 0] + features[:, 1] ** 2
    train, test = np.arange(0, 60, 2), np.arange(1, 60, 2)
    plain, scaled = (
        probe_predictions("regression", probe, features, labels, train, test, seed=0)
        for labels in (values, 4096 * values - 8192)
    )
    np.testing.assert_allclose(scaled, 4096 * plain - 8192, rtol=1e-3, atol=1)


@pytest.mark.skipif(not CHOI.is_dir(), reason=f"{CHOI} is absent")
@pytest.mark.parametrize(("label", "expected"), [("label_arousal", 0.646), ("label_valence", 0.509)])
def test_the_svm_gives_what_scikit_learn_gives_on_published_features(label, expected):
    """Choi et al. 2017's features of emoMusic, RBF-SVM with C = 1, 5 folds."""
    layers = [np.load(CHOI / f"emoMusic_layer_{layer}.npy").reshape(-1, 32) for layer in range(5)]
    features, labels = np.hstack(layers), pd.read_csv(CHOI / "emoMusic.csv")[label].to_numpy()
    scores = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(features):
        scaled = standardise(features, train)
        found = probe_predictions("regression", "svm", scaled, labels, train, test, seed=0)
        scores.append(SCORES["r2"](labels[test], found))
    assert np.mean(scores) == pytest.approx(expected, abs=0.02)


def test_principal_components_are_fitted_on_the_training_part_alone() -> None:
    rng = np.random.default_rng(4)
    features = (rng.normal(size=(60, 6)) * [9, 5, 3, 1, 0.5, 0.1] @ rng.normal(size=(6, 6))).astype(np.float32)
    training, seed = np.arange(40), np.random.SeedSequence(1)
    found = principal_components(features, training, 3, seed)
    centred = features[training].astype(float) - features[training].mean(axis=0, dtype=float)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    by_hand = (features - features[training].mean(axis=0, dtype=float)) @ axes[:3].T
    np.testing.assert_allclose(np.abs(found), np.abs(by_hand), rtol=1e-4, atol=1e-4)
    other = features.copy()
    other[50:] *= 100
    np.testing.assert_array_equal(principal_components(other, training, 3, seed)[:50], found[:50])


@pytest.mark.parametrize(("n_training", "asked", "k"), [(40, 512, 6), (4, 512, 4), (40, 2, 2)])
def test_no_more_components_than_there_are(n_training: int, asked: int, k: int) -> None:
    features = np.random.default_rng(5).normal(size=(50, 6))
    found = principal_components(features, np.arange(n_training), asked, np.random.SeedSequence(1))
    assert found.shape == (50, k)
    if k == 6:  # a rotation
        distances = [np.linalg.norm(of[:, None] - of[None], axis=2) for of in (features, found)]
        np.testing.assert_allclose(*distances)
