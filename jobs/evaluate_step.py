"""The step `evaluate`: a run on a target's splits, in every setting of the evaluation, its rows committed once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.kept_representations import KEPT, MADE_AGAIN, read_representation
from jobs.prepared_data import PreparedTarget, open_sound, open_target, read_prepared
from jobs.records import Trained, now, read_trained
from jobs.result_rows import result_row
from jobs.targets.scoring import (
    Evaluation,
    Split,
    TargetData,
    evaluate,
    evaluate_predictions,
    target_splits,
    without_scores,
)
from study.core.columns import factor_column
from study.core.content import csv_bytes
from study.core.digests import read, sealed_parquet, table_of
from study.core.errors import Damaged
from study.core.evaluation_factors import FROZEN, REPRESENTATION, Setting
from study.core.evaluations import evaluations
from study.core.paths import Paths
from study.core.results import commit_result
from study.core.run import Run, seed_sequence
from study.core.sections import Target
from study.core.study_file import Study
from study.core.writing import write_whole


def evaluate_run(study: Study, run: Run, targets: tuple[str, ...], attempt: str) -> dict[str, float] | None:
    """Score the run on targets and commit the rows of each; the mean of each target's primary metric.

    None where another launch has scored it on all of them.
    """
    paths, prepared = Paths(study.store), read_prepared(study)
    trained = read_trained(paths, run.run_id)
    if trained is None:
        raise FileNotFoundError(f"run {run.run_id} has not learned yet")
    means, by_another = dict[str, float](), 0
    for name in targets:
        at = prepared.targets[name]
        path = paths.result(run.run_id, name, at.fingerprint)
        try:
            if not path.is_file():
                rows, its_means = _scored(study, run, trained, attempt, name, at)
                commit_result(path, rows, study)
                means |= its_means
                continue
        except FileNotFoundError as error:  # the representation: a launch that is through with a run deletes it
            if not path.is_file():
                raise Damaged(Path(error.filename), "missing", MADE_AGAIN) from None
        by_another += 1
    return None if by_another == len(targets) else means


def _scored(
    study: Study, run: Run, trained: Trained, attempt: str, name: str, at: PreparedTarget
) -> tuple[list[dict[str, object]], dict[str, float]]:
    """The rows of a target, and the mean of its primary metric in each setting that has scores."""
    paths, started_at, target = Paths(study.store), now(), study.targets[name]
    rows, means = [], {}
    data = open_target(study, name, at)
    splits, settings = target_splits(data, target, study.seed, name), evaluations(study, run, name)
    for setting in settings:
        began, label, earlier_s = time.monotonic(), setting.label(settings[0]), 0.0
        has_what_it_takes = trained.gives == "network" or not setting.needs_network
        if trained.outcome == "ok" and has_what_it_takes:
            found, earlier_s = _evaluation(study, run, name, at, setting, data, splits)
            _keep_predictions(paths.target(run.run_id, name), target, found.predictions, label)
        else:
            found = without_scores(target, splits, "no network" if trained.outcome == "ok" else trained.outcome)
        seconds = earlier_s + time.monotonic() - began
        levels = {factor_column(factor): getattr(setting, factor) for factor in study.evaluation_factors}
        rows += [
            result_row(study, run, trained, attempt, name, at.fingerprint, started_at, seconds, score) | levels
            for score in found.scores
        ]
        primary = [s.score for s in found.scores if s.metric == target.primary_metric and s.outcome == "ok"]
        if primary:
            means[f"{name} {label}".strip()] = float(np.mean(primary))
    return rows, means


def _evaluation(
    study: Study,
    run: Run,
    name: str,
    at: PreparedTarget,
    setting: Setting,
    data: TargetData,
    splits: list[Split],
) -> tuple[Evaluation, float]:
    """A run's scores on a target in one setting, and the seconds that an earlier step took for them."""
    paths, target = Paths(study.store), study.targets[name]
    if setting.transfer != FROZEN:
        path = paths.fine_tuned(run.run_id, name, at.fingerprint, setting.transfer)
        predictions = read(path, table_of, MADE_AGAIN).to_pandas()
        return evaluate_predictions(data, target, splits, predictions), predictions.attrs["seconds"]
    vectors = read_representation(paths.representation(run.run_id, at.sound, setting.readout))
    features = vectors[open_sound(study, at.sound).positions(data.track_ids)]
    if "representation" in target.keep and setting.readout == REPRESENTATION:
        _keep_representation(paths.target(run.run_id, name), data.track_ids, features)
    probed = target.model_copy(update={"probe": setting.probe})
    seed = seed_sequence(run.run_id, f"probe of {name}")
    return evaluate(data, probed, splits, features, seed, setting.components), 0.0


def _keep_representation(folder: Path, track_ids: Sequence[str], features: np.ndarray) -> None:
    """A row a track: its id, then the mean and the deviation of each dimension."""
    half = features.shape[1] // 2
    table = pd.DataFrame(features, columns=[f"{what}_{d}" for what in ("mean", "deviation") for d in range(half)])
    table.insert(0, "track_id", list(track_ids))
    write_whole(folder / KEPT, sealed_parquet(pa.Table.from_pandas(table, preserve_index=False)))


def _keep_predictions(folder: Path, target: Target, predictions: pd.DataFrame, label: str) -> None:
    """What the scores were made from, and for classes how often each was taken for each."""
    of = f"-{label.replace(':', '_')}" if label else ""
    write_whole(folder / f"predictions{of}.parquet", predictions.to_parquet(index=False))
    if target.task == "classification" and len(predictions):
        confusion = pd.crosstab(predictions["label"], predictions["prediction"])
        write_whole(folder / f"confusion{of}.csv", csv_bytes(confusion, index=True))
