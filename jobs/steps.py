"""The steps of a run. Each reads what it needs from disk and leaves what it made there, so each can be run again alone.

    learn      train (unless it has), then the representation of every track of the targets asked for
    evaluate   the probe on one target's splits, its rows committed once
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from jobs.failures import Failure, failure_of
from jobs.learning.checkpoint import remove_checkpoints
from jobs.learning.representation import load_network, random_network, represent, save_weights
from jobs.learning.train import resolve_precision, train
from jobs.networks.branching import Network, build_network
from jobs.prepare import Prepared, open_corpus_arrays, open_labels, open_sound, read_prepared
from jobs.records import Trained, begin_attempt, now, read_trained, write_attempt, write_trained
from jobs.sound.decode import decode
from jobs.sound.mel_store import MelStore
from jobs.sound.spectra import mfcc_120
from jobs.targets.evaluate import Score, evaluate, read_target, target_splits
from study import __version__
from study.cost import source_factors_of
from study.paths import Paths, write_once, write_whole
from study.plan import run_columns
from study.result_store import PROBE_SCORES_VERSION, SCHEMA_VERSION, TRAIN_SCORES_VERSION, commit_result
from study.run import Run, seed_sequence
from study.study_file import Study, Target


@dataclass(frozen=True)
class Step:
    """A piece of work on one run: what travels to a worker beside the study file."""

    kind: Literal["learn", "evaluate"]
    run: Run
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """How a step ended; `scores` are the means of the primary metrics, for whoever watches."""

    step: Step
    seconds: float
    failure: Failure | None = None
    scores: tuple[tuple[str, float], ...] = ()


def execute(study: Study, step: Step) -> Report:
    """Do a step and report. Whatever goes wrong within is a report, too, and a file among the run's attempts."""
    paths = Paths(study.store)
    began = time.monotonic()
    attempt = begin_attempt(step.kind, step.targets)
    try:
        write_attempt(paths, step.run.run_id, attempt)
        with _threads(study.compute.threads):
            if step.kind == "learn":
                learn(study, step.run, step.targets, attempt.attempt)
                scores: dict[str, float] = {}
            else:
                scores = evaluate_run(study, step.run, step.targets, attempt.attempt)
        write_attempt(paths, step.run.run_id, replace(attempt, finished_at=now()))
        return Report(step, time.monotonic() - began, scores=tuple(scores.items()))
    except Exception as error:  # the boundary: a step must not take the sweep with it
        failure = failure_of(error)
        ended = replace(attempt, finished_at=now(), cause=failure.cause, message=failure.message,
                        traceback=traceback.format_exc())  # fmt: skip
        try:
            write_attempt(paths, step.run.run_id, ended)
        except OSError as unwritten:  # the store itself may be what failed; the report still says why
            failure = Failure(failure.cause, f"{failure.message} (and its record: {unwritten})")
        return Report(step, time.monotonic() - began, failure)


def learn(study: Study, run: Run, targets: tuple[str, ...], attempt: str) -> None:
    """Train the run if it has not been, and represent the sound of the targets, each set of sounds once."""
    paths, prepared = Paths(study.store), read_prepared(study)
    trained = read_trained(paths, run.run_id)
    if trained is None:
        trained = _train_run(study, prepared, run, attempt)
        write_trained(paths, run.run_id, trained)
    remove_checkpoints(paths.run(run.run_id) / "checkpoints")
    if trained.outcome != "ok":
        return
    for key in dict.fromkeys(prepared.targets[name].sound for name in targets):
        path = paths.representations(run.run_id) / f"{key}.npy"
        if not path.is_file():
            vectors = _represent(study, run, open_sound(study, key), targets)
            write_whole(path, lambda temporary, vectors=vectors: _save(temporary, vectors))


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
        data = read_target(target, name)
        splits = target_splits(data, target, study.seed, name)
        if trained.outcome == "ok":
            store = open_sound(study, at.sound)
            vectors = np.load(paths.representations(run.run_id) / f"{at.sound}.npy", allow_pickle=False)
            features = vectors[store.positions(data.track_ids)]
            found = evaluate(data, target, splits, features, seed_sequence(run.run_id, f"probe of {name}"))
            scores = list(found.scores)
            _keep_predictions(paths.target(run.run_id, name), target, found.predictions)
        else:
            scores = [
                Score(split.repeat, split.fold, metric, np.nan, trained.outcome)
                for split in splits for metric in target.metric_names
            ]  # fmt: skip
        spent = time.monotonic() - began
        rows = [_row(study, run, trained, attempt, name, at.fingerprint, started_at, spent, score) for score in scores]
        commit_result(paths.result(run.run_id, name, at.fingerprint), rows, study)
        primary = [score.score for score in scores if score.metric == target.primary_metric and score.outcome == "ok"]
        if primary:
            means[name] = float(np.mean(primary))
    return means


def _train_run(study: Study, prepared: Prepared, run: Run, attempt: str) -> Trained:
    """Learn the run's representation and save its weights."""
    paths, started_at = Paths(study.store), now()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    threads = study.compute.threads
    facts: dict[str, Any] = dict(
        attempt=attempt, threads=threads, data_fingerprint=prepared.fingerprint_of(run),
        train_scores_version=TRAIN_SCORES_VERSION, started_at=started_at,
    )  # fmt: skip
    if run.strategy == "MFCC":
        return Trained("ok", train_seconds=0.0, train_steps=0, device="cpu", precision="float32", n_parameters=0,
                       representation_dim=60, **facts)  # fmt: skip
    settings = study.training_of(run.factors)
    store, arrays = open_sound(study, prepared.corpus_sound), open_corpus_arrays(study, prepared)
    statistics = (arrays.mean, arrays.deviation)
    training = np.flatnonzero(arrays.training)
    initial = seed_sequence(run.run_id, "initial weights")
    if run.strategy == "Random":
        began = time.monotonic()
        network = random_network(store, statistics, training, study.crop_frames, settings.width, initial, device)
        outcome, steps, seconds, precision = "ok", 0, time.monotonic() - began, "float32"
    else:
        precision = _kept_precision(study, settings.precision, device)
        factors = source_factors_of(study, run)
        network = build_network(run.strategy, factors, store.channels, store.n_mels, settings.width, seed=initial)
        ended = train(
            network, store=store, statistics=statistics, crop_frames=study.crop_frames,
            labels={name: open_labels(study, prepared, name) for name, n in factors.items() if n is not None},
            training_tracks=training, validation_tracks=np.flatnonzero(~arrays.training),
            settings=settings.model_copy(update={"precision": precision}), run_id=run.run_id, device=device,
            threads=threads, checkpoint_folder=paths.run(run.run_id) / "checkpoints", log_path=paths.log(run.run_id),
        )  # fmt: skip
        outcome, steps, seconds = ended.outcome, ended.steps, ended.seconds
    if outcome == "ok":
        save_weights(paths.weights(run.run_id), network, statistics, _description(study, run))
    return Trained(outcome, train_seconds=seconds, train_steps=steps, device=_device_name(device), precision=precision,
                   n_parameters=network.n_parameters, representation_dim=network.representation_dim, **facts)  # fmt: skip


def _represent(study: Study, run: Run, store: MelStore, targets: tuple[str, ...]) -> np.ndarray:
    """The vector of each clip in the store, (n_tracks, 2 * dim) float32: means, then deviations."""
    if run.strategy == "MFCC":
        path_of = {}
        for name in targets:
            data = read_target(study.targets[name], name)
            path_of |= dict(zip(data.track_ids, data.paths, strict=True))
        rate, channels = study.corpus.sample_rate_hz, study.corpus.channels
        return np.stack([mfcc_120(decode(path_of[t], rate, channels), rate, study.mel) for t in store.track_ids])
    network, statistics, _ = load_network(Paths(study.store).weights(run.run_id))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return represent(network, store, statistics, study.crop_frames, device)


def _row(
    study: Study, run: Run, trained: Trained, attempt: str, target: str, fingerprint: str, started_at: str,
    eval_seconds: float, score: Score,
) -> dict[str, object]:  # fmt: skip
    """A row of the result store."""
    training = asdict(trained)
    for name in ("outcome", "attempt", "started_at"):  # the row's own are the evaluation's
        training.pop(name)
    return {
        "schema_version": SCHEMA_VERSION, "run_id": run.run_id, "attempt": attempt, "phase": run.phase,
        "replicate": run.replicate, "strategy": run.strategy, "n_sources": run.n_sources, **run_columns(study, run),
        "target": target, **asdict(score), "score": score.score if score.outcome == "ok" else None, **training, "eval_seconds": eval_seconds, "seed": study.seed,
        "target_fingerprint": fingerprint, "probe_scores_version": PROBE_SCORES_VERSION, "code_version": __version__,
        "started_at": pd.Timestamp(started_at), "finished_at": pd.Timestamp(now()),
    }  # fmt: skip


def _description(study: Study, run: Run) -> dict[str, Any]:
    """What the header of the weights says: enough to represent any sound without the study."""
    return {
        "study": study.name, "run_id": run.run_id, "strategy": run.strategy, "sources": list(run.sources),
        "factors": dict(run.factors), "replicate": run.replicate, "seed": study.seed,
        "sample_rate_hz": study.corpus.sample_rate_hz, "channels": study.corpus.channels,
        "mel": study.mel.model_dump(mode="json"), "code_version": __version__,
    }  # fmt: skip


def _kept_precision(study: Study, setting: str, device: str) -> str:
    """What `precision = "auto"` came to when the study's first run was trained: all its runs use that."""
    if setting != "auto":
        return setting
    path = Paths(study.store).runs / "precision"
    write_once(path, lambda temporary: temporary.write_text(resolve_precision(setting, device), encoding="utf-8"))
    return path.read_text(encoding="utf-8")


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def _keep_predictions(folder: Path, target: Target, predictions: pd.DataFrame) -> None:
    """What the scores were made from, and for classes how often each was taken for each."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "predictions.parquet", lambda temporary: predictions.to_parquet(temporary, index=False))
    if target.task == "classification":
        confusion = pd.crosstab(predictions["label"], predictions["prediction"])
        write_whole(folder / "confusion.csv", confusion.to_csv)


def _save(path: Path, vectors: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    """One number of threads for PyTorch and for linear algebra: a different one gives other bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)
