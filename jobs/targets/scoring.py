"""A representation's scores on a target: read and split the target, train a probe on each split, score test items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.targets.probe import PROBES, SCORES, ProbeDiverged, principal_components, probe_predictions, standardise
from jobs.targets.recommendation import read_plays, recommend, user_ndcg
from jobs.targets.splits import Split, split_faults, target_splits
from jobs.targets.tasks import TargetTask
from jobs.targets.track_labels import TargetData, read_track_labels
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.extensions import TARGETS, load_extension
from study.core.paths import FILE_NAME
from study.core.results import Score
from study.core.sections import METRICS, Target

__all__ = ["Evaluation", "Score", "Split", "TargetData", "evaluate", "read_target", "target_splits"]

OK = "ok"


@dataclass(frozen=True)
class Evaluation:
    """Scores, one per split and metric, and the predictions behind them, one row per test item and split.

    Columns of `predictions`: repeat, fold, track_id, label, prediction; of a recommendation repeat, fold,
    user_id and the user's own value of each metric. Splits without a score have no rows.
    """

    scores: tuple[Score, ...]
    predictions: pd.DataFrame


def read_target(target: Target, name: str) -> TargetData:
    """The target's tracks and labels, in order of track_id. Raises InputFaults with all their faults."""
    faults: list[Fault] = []
    task = target_task(target.task)
    if target.task in PROBES and target.probe not in PROBES[target.task]:
        valid = tuple(PROBES[target.task])
        expected = f"expected one of {', '.join(valid)} for {target.task}"
        faults.append(Fault(FILE_NAME, f"[targets.{name}] probe", target.probe, expected))
    try:
        data = task.read(target)
        faults += split_faults(data, target)
    except InputFaults as wrong:
        faults += wrong.faults
    if target.task not in METRICS:  # ours are checked with the study file
        faults += _faults_of_a_package(target, name, task)
    raise_all(faults)
    if data.labels is not None and data.labels.dtype == object:
        raise TypeError(
            f"labels of [targets.{name}], task {target.task!r}: an array of objects, not of numbers or text"
        )
    return data


def _faults_of_a_package(target: Target, name: str, task: TargetTask) -> Iterator[Fault]:
    for metric in target.metric_names:
        if metric not in task.metrics:
            expected, near = f"expected one of {', '.join(task.metrics)}", nearest(metric, task.metrics)
            yield Fault(FILE_NAME, f"[targets.{name}] metrics", metric, expected, near)


def target_task(name: str) -> TargetTask:
    """The task of this name. Raises InputFaults if there is none, or it cannot be loaded."""
    return TASKS.get(name) or load_extension(TARGETS, name, TargetTask)


def evaluate(
    data: TargetData,
    target: Target,
    splits: list[Split],
    features: np.ndarray,
    probe_seed: np.random.SeedSequence,
    components: int | None = None,
) -> Evaluation:
    """Score `features` (n_tracks, d), rows in the order of `data.track_ids`, on every split and metric.

    With `components`, of so many principal components of the features, or of all if there are fewer.

    `probe_seed` belongs to the run and target; each split derives its own from it. Features that are not finite
    and probes that diverge are outcomes, not errors. Raises ValueError unless there is one row of features
    per track.
    """
    if features.ndim != 2 or len(features) != len(data.track_ids):
        raise ValueError(f"features {features.shape}: expected ({len(data.track_ids)}, d), one row for each track")
    finite = bool(np.isfinite(features).all())
    score_split = target_task(target.task).score
    scores: list[Score] = []
    rows: list[pd.DataFrame] = []
    for split in splits:
        seed = np.random.SeedSequence(probe_seed.entropy, spawn_key=(*probe_seed.spawn_key, split.repeat, split.fold))
        outcome, values = OK if finite else "non-finite representation", dict[str, float]()
        if finite:
            try:
                scaled = standardise(features, split.train) if target.features == "standardised" else features
                if components is not None:
                    scaled = principal_components(scaled, split.train, components, seed)
                values, predictions = score_split(data, target, split, scaled, seed)
                rows.append(predictions.assign(repeat=split.repeat, fold=split.fold))
            except (ProbeDiverged, np.linalg.LinAlgError):
                outcome = "probe diverged"
        scores.extend(_scores(target, split, outcome, values))
    return Evaluation(tuple(scores), _stacked(rows))


def evaluate_predictions(
    data: TargetData, target: Target, splits: list[Split], predictions: pd.DataFrame
) -> Evaluation:
    """Score a fine-tuned network's `predictions`, as in `Evaluation`; a split without rows diverged."""
    scores: list[Score] = []
    for split in splits:
        here = predictions[(predictions["repeat"] == split.repeat) & (predictions["fold"] == split.fold)]
        labels = data.labels[split.test]
        kind = float if target.task == "multilabel" else labels.dtype
        predicted = here["prediction"].to_numpy(dtype=kind)
        predicted = predicted.reshape(labels.shape) if len(here) else predicted
        values = {metric: SCORES[metric](labels, predicted) for metric in target.metric_names} if len(here) else {}
        scores.extend(_scores(target, split, OK if values else "diverged", values))
    return Evaluation(tuple(scores), predictions)


def prediction_rows(data: TargetData, split: Split, predictions: np.ndarray) -> pd.DataFrame:
    """One row per test item of a split; of tags, (n_test, n_tags), one per item and `tag`, counted from 1."""
    labels, track_ids = data.labels[split.test], np.array(data.track_ids, dtype=object)[split.test]
    columns: dict[str, object] = {"repeat": split.repeat, "fold": split.fold}
    if data.task == "multilabel":
        n_tags = labels.shape[1]
        columns |= {"track_id": np.repeat(track_ids, n_tags), "tag": np.tile(np.arange(1, n_tags + 1), len(labels))}
    else:
        columns |= {"track_id": track_ids}
    return pd.DataFrame(columns | {"label": labels.ravel(), "prediction": predictions.ravel()})


def no_predictions() -> pd.DataFrame:
    """As `prediction_rows`, of no split."""
    return pd.DataFrame({"repeat": [], "fold": [], "track_id": [], "label": [], "prediction": []})


def without_scores(target: Target, splits: list[Split], outcome: str) -> Evaluation:
    """One row per split and metric with the reason why there is no score."""
    scores = [score for split in splits for score in _scores(target, split, outcome, {})]
    return Evaluation(tuple(scores), _stacked([]))


def _scores(target: Target, split: Split, outcome: str, values: dict[str, float]) -> Iterator[Score]:
    for metric in target.metric_names:
        value = float(values.get(metric, np.nan))
        undefined = outcome == OK and not np.isfinite(value)
        yield Score(split.repeat, split.fold, metric, value, "undefined metric" if undefined else outcome)


def _probe(
    data: TargetData, target: Target, split: Split, features: np.ndarray, seed: np.random.SeedSequence
) -> tuple[dict[str, float], pd.DataFrame]:
    predictions = probe_predictions(
        target.task, target.probe, features, data.labels, split.train, split.test, int(seed.generate_state(1)[0])
    )
    labels = data.labels[split.test]
    scores = {metric: SCORES[metric](labels, predictions) for metric in target.metric_names}
    return scores, prediction_rows(data, split, predictions)


def _recommendation(
    data: TargetData, target: Target, split: Split, features: np.ndarray, seed: np.random.SeedSequence
) -> tuple[dict[str, float], pd.DataFrame]:
    scores, users = recommend(data, features.astype(np.float64), split.train, split.test, np.random.default_rng(seed))
    by_user = {metric: user_ndcg(data, metric, scores, split.test, users) for metric in target.metric_names}
    rows = pd.DataFrame({"user_id": [data.user_ids[row] for row in users]} | by_user)
    return {metric: values.mean() for metric, values in by_user.items()}, rows


def _stacked(rows: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all splits, with columns repeat and fold first."""
    if not rows:
        return pd.DataFrame({"repeat": [], "fold": []})
    table = pd.concat(rows, ignore_index=True)
    return table[["repeat", "fold", *(name for name in table if name not in ("repeat", "fold"))]]


TASKS: dict[str, TargetTask] = {
    "classification": TargetTask(read_track_labels, _probe, METRICS["classification"]),
    "regression": TargetTask(read_track_labels, _probe, METRICS["regression"]),
    "multilabel": TargetTask(read_track_labels, _probe, METRICS["multilabel"]),
    "recommendation": TargetTask(read_plays, _recommendation, METRICS["recommendation"]),
}
