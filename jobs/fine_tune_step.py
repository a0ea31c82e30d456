"""The step `fine-tune`: a run's network is fine-tuned on a target; its predictions on each test part are kept for
`evaluate`."""

from __future__ import annotations

import time

import pyarrow as pa
import torch

from jobs.learning.fine_tuning import fine_tune
from jobs.prepared_data import open_sound, open_target, read_prepared
from jobs.records import read_trained
from jobs.targets.scoring import target_splits
from study.core.digests import sealed_parquet
from study.core.paths import Paths
from study.core.run import Run, seed_sequence
from study.core.study_file import Study
from study.core.writing import write_beside_another_launch


def fine_tune_run(study: Study, run: Run, targets: tuple[str, ...]) -> None:
    """Fine-tune the run's network on each split of the targets, each target once, and keep the predictions."""
    paths, prepared = Paths(study.store), read_prepared(study)
    trained = read_trained(paths, run.run_id)
    if trained is None:
        raise FileNotFoundError(f"run {run.run_id} has not learned yet")
    for name in targets:
        made, target = prepared.targets[name], study.targets[name]
        path = paths.fine_tuned(run.run_id, name, made.fingerprint)
        if trained.outcome != "ok" or path.is_file() or paths.result(run.run_id, name, made.fingerprint).is_file():
            continue
        began = time.monotonic()
        data = open_target(study, name, made)
        predictions = fine_tune(
            paths.weights(run.run_id),
            open_sound(study, made.sound),
            study.crop_frames,
            data,
            target_splits(data, target, study.seed, name),
            study.fine_tuning,
            study.training_of(run.factors).l2,
            seed_sequence(run.run_id, f"fine-tuning of {name}"),
            "cuda" if torch.cuda.is_available() else "cpu",
        )
        predictions.attrs["seconds"] = time.monotonic() - began
        write_beside_another_launch(path, sealed_parquet(pa.Table.from_pandas(predictions, preserve_index=False)))
