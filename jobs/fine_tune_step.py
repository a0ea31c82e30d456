"""The step `fine-tune`: networks are trained on a target as the study's levels of `transfer` say; their predictions on
each test part are kept for `evaluate`."""

from __future__ import annotations

import time

import pandas as pd
import pyarrow as pa
import torch

from jobs.learning.fine_tuning import WAYS, fine_tune
from jobs.learning.own_head import own_head
from jobs.prepared_data import PreparedTarget, open_sound, open_target, read_prepared
from jobs.records import read_trained
from jobs.targets.scoring import target_splits
from study.core.digests import sealed_parquet
from study.core.evaluation_factors import FINE_TUNE, OWN_HEAD
from study.core.evaluations import network_transfers
from study.core.paths import Paths
from study.core.run import Run, seed_sequence
from study.core.study_file import Study
from study.core.writing import write_beside_another_launch


def fine_tune_run(study: Study, run: Run, targets: tuple[str, ...]) -> None:
    """Train the run's network on each split of the targets, in each way once, and keep the predictions."""
    paths, prepared = Paths(study.store), read_prepared(study)
    trained = read_trained(paths, run.run_id)
    if trained is None:
        raise FileNotFoundError(f"run {run.run_id} has not learned yet")
    for name in targets:
        made = prepared.targets[name]
        for transfer in network_transfers(study, run, name):
            path = paths.fine_tuned(run.run_id, name, made.fingerprint, transfer)
            is_scored = paths.result(run.run_id, name, made.fingerprint).is_file()
            has_network = trained.outcome == "ok" and trained.gives == "network"
            if has_network and not path.is_file() and not is_scored:
                predictions = _predictions(study, run, name, made, transfer)
                table = pa.Table.from_pandas(predictions, preserve_index=False)
                write_beside_another_launch(path, sealed_parquet(table))


def _predictions(study: Study, run: Run, name: str, made: PreparedTarget, transfer: str) -> pd.DataFrame:
    """As `fine_tune`; `attrs` has the seconds that it took."""
    began = time.monotonic()
    data, paths = open_target(study, name, made), Paths(study.store)
    store, splits = open_sound(study, made.sound), target_splits(data, study.targets[name], study.seed, name)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if transfer == OWN_HEAD:
        source, weights = str(study.targets[name].source), paths.weights(run.run_id)
        predictions = own_head(weights, store, study.crop_frames, data, splits, source, device)
        predictions.attrs["seconds"] = time.monotonic() - began
        return predictions
    purpose = "fine-tuning" if transfer == FINE_TUNE else transfer
    predictions = fine_tune(
        paths.weights(run.run_id),
        store,
        study.crop_frames,
        data,
        splits,
        study.fine_tuning,
        study.training_of(run.factors).l2,
        seed_sequence(run.run_id, f"{purpose} of {name}"),
        device,
        WAYS[transfer](study.training_of(run.factors).initialisation),
    )
    predictions.attrs["seconds"] = time.monotonic() - began
    return predictions
