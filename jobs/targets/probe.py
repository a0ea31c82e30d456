"""The simple models that evaluate a representation, the scaling of their inputs, and the metrics (paper 4.4.2)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    r2_score,
    recall_score,
    roc_auc_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR

MLP = {"hidden_layer_sizes": (256, 256), "activation": "relu", "solver": "adam", "max_iter": 200}
"""The paper's settings; any others are scikit-learn's defaults."""

PROBES: dict[str, dict[str, Callable[[int], Any]]] = {
    "classification": {
        "mlp": lambda seed: MLPClassifier(**MLP, random_state=seed),
        "logistic": lambda seed: LogisticRegression(max_iter=1000),
        "knn": lambda seed: KNeighborsClassifier(),
        "svm": lambda seed: SVC(),
    },
    "regression": {
        "mlp": lambda seed: MLPRegressor(**MLP, random_state=seed),
        "knn": lambda seed: KNeighborsRegressor(),
        "svm": lambda seed: SVR(),
    },
    "multilabel": {
        "mlp": lambda seed: MLPClassifier(**MLP, random_state=seed),
        "logistic": lambda seed: OneVsRestClassifier(LogisticRegression(max_iter=1000)),
        "knn": lambda seed: KNeighborsClassifier(),
        "svm": lambda seed: OneVsRestClassifier(SVC()),
    },
}
"""task -> probe -> a fresh estimator for a seed."""


class ProbeDiverged(Exception):
    """The probe's numbers left the range of floats, so there is no score."""


def _pearson(labels: np.ndarray, predictions: np.ndarray) -> float:
    """NaN if either is constant."""
    varied = np.ptp(labels) > 0 and np.ptp(predictions) > 0
    return float(np.corrcoef(labels, predictions)[0, 1]) if varied else np.nan


def _r2(labels: np.ndarray, predictions: np.ndarray) -> float:
    """NaN if the labels are constant."""
    return r2_score(labels, predictions) if np.ptp(labels) > 0 else np.nan


def _mean_recall(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Balanced accuracy over the classes in the test part."""
    return recall_score(labels, predictions, labels=np.unique(labels), average="macro")


def _mean_over_tags(score: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    """The mean of a score over the tags that some of the items have and some have not; NaN if there is none."""

    def mean(labels: np.ndarray, predictions: np.ndarray) -> float:
        varied = [tag for tag in range(labels.shape[1]) if 0 < labels[:, tag].sum() < len(labels)]
        return float(np.mean([score(labels[:, tag], predictions[:, tag]) for tag in varied])) if varied else np.nan

    return mean


SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy_score,
    "balanced_accuracy": _mean_recall,
    "f1_macro": lambda labels, predictions: f1_score(labels, predictions, average="macro"),
    "r2": _r2,
    "pearson": _pearson,
    "roc_auc": _mean_over_tags(roc_auc_score),
    "average_precision": _mean_over_tags(average_precision_score),
}
"""metric -> score of (labels, predictions), better when larger."""


def _tag_scores(fitted: Any, features: np.ndarray) -> np.ndarray:
    """Decision values or probabilities of each tag, (n, n_tags)."""
    if hasattr(fitted, "decision_function"):
        return np.asarray(fitted.decision_function(features), dtype=np.float64).reshape(len(features), -1)
    found = fitted.predict_proba(features)
    if isinstance(found, list):  # of a k-NN, by tag, with a column for each value that occurs in training
        columns = [
            shares[:, list(values).index(1)] if 1 in values else np.zeros(len(features))
            for shares, values in zip(found, fitted.classes_, strict=True)
        ]
        return np.stack(columns, axis=1)
    return np.asarray(found, dtype=np.float64)


def standardise(features: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Features (n, d) with mean 0 and SD 1 over the rows `training`; a feature that is constant there becomes 0
    everywhere.
    """
    features = features.astype(np.float64)
    mean, deviation = features[training].mean(axis=0), features[training].std(axis=0)
    rounding = 1e-7 * np.abs(features[training]).max(axis=0)  # float32 features: constant except for rounding
    scale = np.where(deviation > rounding, 1 / np.maximum(deviation, np.finfo(float).tiny), 0.0)
    return (features - mean) * scale


def principal_components(
    features: np.ndarray, training: np.ndarray, components: int, seed: np.random.SeedSequence
) -> np.ndarray:
    """The first principal components (n, k) of features (n, d), fitted on the rows `training`.

    k is `components`, or the number of features or of training rows if that is smaller. Components keep their
    variances: features that are no more than `components` are only rotated.
    """
    k = min(components, features.shape[1], len(training))
    fitted = PCA(k, random_state=int(seed.generate_state(1)[0])).fit(features[training].astype(np.float64))
    return fitted.transform(features.astype(np.float64))


def probe_predictions(
    task: str, probe: str, features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int
) -> np.ndarray:
    """Predictions (n_test,), in the labels' units, for the rows `test` by a probe trained on the rows `train`.

    Of tags, scores that are higher where a tag is likelier, (n_test, n_tags). Regression labels are standardised for
    the probe, whose stopping rule is absolute. Raises ProbeDiverged.
    """
    centre, scale = 0.0, 1.0
    targets = labels[train]
    if task == "regression":
        centre, scale = targets.mean(), targets.std() or 1.0
        targets = ((targets - centre) / scale).astype(np.float32)
    estimator = PROBES[task][probe](seed)
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 iterations are the paper's rule, not a fault
        warnings.filterwarnings("ignore", "Label .* is present in all training examples", UserWarning)
        features = features.astype(np.float32)
        if not np.isfinite(features).all():
            raise ProbeDiverged("features beyond the range of float32")
        try:
            fitted = estimator.fit(features[train], targets)
            predict = partial(_tag_scores, fitted) if task == "multilabel" else fitted.predict
            predictions = predict(features[test])
        except ValueError as error:
            if "non-finite" in str(error):
                raise ProbeDiverged(str(error)) from None
            raise
        if task == "regression":
            predictions = predictions.astype(np.float64) * scale + centre
            if not np.isfinite(predictions).all():
                raise ProbeDiverged("predictions that are not finite")
    return predictions
