"""Writes golden_scores.json: what training and probing give at their present score versions.

    python -m tests.reference.golden_scores

Run it only after raising the version whose scores moved (study/core/results.py).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from jobs.learn_step import learn
from jobs.learning.fine_tuning import fine_tune
from jobs.learning.representation import save_weights
from jobs.networks.branching import build_network
from jobs.preparation import prepare
from jobs.prepared_data import open_sound, read_prepared
from jobs.targets.scoring import evaluate, read_target, target_splits
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.results import PROBE_SCORES_VERSION, TRAIN_SCORES_VERSION
from study.core.run import make_run
from study.core.sections import FineTuning
from study.core.study_file import Study
from tests.small_study import write_small_study

GOLDEN = Path(__file__).with_suffix(".json")
RUNS = {"SS-R": ("pitch",), "MS-CR@4": ("self", "tag"), "MSS-CR": ("self", "pitch", "tag")}
PROBES = ("mlp", "logistic", "knn", "svm")


def trained_representations(study: Study, runs: dict[str, tuple[str, ...]]) -> dict[str, list[float]]:
    """Mean and first entries of what small runs give the first target's tracks."""
    found = {}
    for strategy, sources in runs.items():
        run = make_run(study, "golden", 0, strategy, sources)
        learn(study, run, ("timbre",), "golden")
        key = read_prepared(study).targets["timbre"].sound
        vectors = np.load(Paths(study.store).representations(run.run_id) / f"{key}.npy")
        found[strategy] = [float(vectors.mean()), float(vectors.std()), *map(float, vectors[0, :3])]
    return found


def probe_scores(study: Study) -> dict[str, list[float]]:
    """Every probe's scores on features that do not hang on training."""
    found = {}
    for name in ("timbre", "height", "plays"):
        for probe in PROBES if name == "timbre" else ("mlp", "knn", "svm") if name == "height" else ("mlp",):
            target = study.targets[name].model_copy(update={"probe": probe})
            data = read_target(target, name)
            features = np.random.default_rng(1).normal(size=(len(data.track_ids), 12)).astype(np.float32)
            if data.labels is not None:
                features[:, 0] += 2 * (np.unique(data.labels, return_inverse=True)[1] / len(set(data.labels)))
            splits = target_splits(data, target, study.seed, name)
            scores = evaluate(data, target, splits, features, np.random.SeedSequence(3)).scores
            found[f"{name} {probe}"] = [score.score for score in scores]
    return found | {f"{name} fine-tuned": fine_tuned(study, name) for name in ("timbre", "height")}


def fine_tuned(study: Study, name: str) -> list[float]:
    """What an untrained network, fine-tuned for a target, says of its test tracks: how often each class, or numbers."""
    target, at = study.targets[name], read_prepared(study).targets[name]
    data, weights = read_target(target, name), study.store / "golden.safetensors"
    network = build_network("MS-CR@4", {"tag": 3, "self": None}, 1, 32, 0.125, seed=np.random.SeedSequence(6))
    save_weights(weights, network, (np.full(32, -40.0), np.full(32, 15.0)), {})
    found = fine_tune(
        weights, open_sound(study, at.sound), study.crop_frames, data, target_splits(data, target, study.seed, name),
        FineTuning(epochs=3, batch_size=4), 1e-6, np.random.SeedSequence(8),
    )["prediction"]  # fmt: skip
    if target.task == "classification":
        return list(map(float, found.value_counts().sort_index()))
    return list(map(float, (found[:4] - data.labels.mean()) / data.labels.std()))


def golden(folder: Path) -> dict[str, object]:
    study = read_study(write_small_study(folder))
    prepare(study, workers=1)
    trained = trained_representations(study, RUNS)
    of_longer_crops = read_study(folder, ["mel.crop_s=0.6"])  # tracks of 1 s are no multiple of these
    prepare(of_longer_crops, workers=1)
    longer = trained_representations(of_longer_crops, {"SS-R": ("pitch",)})
    prepare(study, workers=1)
    return {
        "train_scores_version": TRAIN_SCORES_VERSION, "probe_scores_version": PROBE_SCORES_VERSION,
        "trained": trained | {f"{name}, crops of 0.6 s": values for name, values in longer.items()},
        "probed": probe_scores(study),
    }  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(json.dumps(golden(Path(folder) / "small"), indent=1) + "\n", encoding="utf-8")
