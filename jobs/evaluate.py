"""The step `evaluate`: a run's representation on a target's splits, its rows committed once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.prepared import open_sound, read_prepared
from jobs.records import Trained, now, read_trained
from jobs.targets.evaluate import Score, evaluate, read_target, target_splits
from study import __version__
from study.paths import Paths, write_whole
from study.plan import run_columns
from study.result_store import PROBE_SCORES_VERSION, SCHEMA_VERSION, commit_result
from study.run import Run, seed_sequence
from study.study_file import Study, Target


def evaluate_run(study: Study, run: Run, targets: tuple[str, ...], attempt: str) -> dict[str, float]:
    """Score the run on targets and commit the rows of each; the mean of each target's primary metric."""
    paths, prepared = Paths(study.store), read_prepared(study)
    trained = read_trained(paths, run.run_id)
    if trained is None:
        raise FileNotFoundError(f"run {run.run_id} has not learned yet")
    means = {}
    for name in targets:
        started_at, began = now(), time.monotonic()
        target, at = study.targets[name], prepared.targets[name]
        path = paths.result(run.run_id, name, at.fingerprint)
        if path.is_file():  # another launch was first, and may have deleted the representation since
            continue
        data = read_target(target, name)
        splits = target_splits(data, target, study.seed, name)
        if trained.outcome == "ok":
            store = open_sound(study, at.sound)
            vectors = np.load(paths.representations(run.run_id) / f"{at.sound}.npy", allow_pickle=False)
            features = vectors[store.positions(data.track_ids)]
            found = evaluate(data, target, splits, features, seed_sequence(run.run_id, f"probe of {name}"))
            scores = list(found.scores)
            if "representation" in target.keep:
                _keep_representation(paths.target(run.run_id, name), data.track_ids, features)
            _keep_predictions(paths.target(run.run_id, name), target, found.predictions)
        else:
            scores = [
                Score(split.repeat, split.fold, metric, np.nan, trained.outcome)
                for split in splits for metric in target.metric_names
            ]  # fmt: skip
        spent = time.monotonic() - began
        rows = [_row(study, run, trained, attempt, name, at.fingerprint, started_at, spent, score) for score in scores]
        commit_result(path, rows, study)
        primary = [score.score for score in scores if score.metric == target.primary_metric and score.outcome == "ok"]
        if primary:
            means[name] = float(np.mean(primary))
    return means


def _row(
    study: Study, run: Run, trained: Trained, attempt: str, target: str, fingerprint: str, started_at: str,
    eval_seconds: float, score: Score,
) -> dict[str, object]:  # fmt: skip
    """A row of the result store."""
    training = asdict(trained)
    value = score.score if score.outcome == "ok" else None
    for name in ("outcome", "attempt", "started_at"):  # the row's own are the evaluation's
        training.pop(name)
    return {
        "schema_version": SCHEMA_VERSION, "run_id": run.run_id, "attempt": attempt, "phase": run.phase,
        "replicate": run.replicate, "strategy": run.strategy, "n_sources": run.n_sources, **run_columns(study, run),
        "target": target, **asdict(score), "score": value, **training, "eval_seconds": eval_seconds, "seed": study.seed,
        "target_fingerprint": fingerprint, "probe_scores_version": PROBE_SCORES_VERSION, "code_version": __version__,
        "started_at": pd.Timestamp(started_at), "finished_at": pd.Timestamp(now()),
    }  # fmt: skip


def _keep_representation(folder: Path, track_ids: Sequence[str], features: np.ndarray) -> None:
    """A row a track: its id, then the mean and the deviation of each dimension."""
    half = features.shape[1] // 2
    table = pd.DataFrame(features, columns=[f"{what}_{d}" for what in ("mean", "deviation") for d in range(half)])
    table.insert(0, "track_id", list(track_ids))
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "representation.parquet", lambda temporary: table.to_parquet(temporary, index=False))


def _keep_predictions(folder: Path, target: Target, predictions: pd.DataFrame) -> None:
    """What the scores were made from, and for classes how often each was taken for each."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "predictions.parquet", lambda temporary: predictions.to_parquet(temporary, index=False))
    if target.task == "classification" and len(predictions):
        confusion = pd.crosstab(predictions["label"], predictions["prediction"])
        write_whole(folder / "confusion.csv", confusion.to_csv)
