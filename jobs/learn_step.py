"""The step `learn`: train a run's network unless done already, then represent the sound of targets."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from jobs.kept_representations import save_representation
from jobs.learning.precision import Arithmetic, is_recurrent, keep_to, resolve
from jobs.learning.representation import load_network, represent, save_weights, set_normalisations
from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.prepared_data import (
    CHANGED,
    Prepared,
    open_corpus_arrays,
    open_labels,
    open_sound,
    open_target,
    read_prepared,
)
from jobs.records import Trained, now, read_trained, write_trained
from jobs.sound.mel_store import MelStore
from jobs.targets.track_labels import TargetData
from study.core.cost import REFERENCE_FLOP_PER_S, run_cost_gpu_hours, strategy_of
from study.core.digests import read, sealed
from study.core.errors import Damaged, Fault, InputFaults
from study.core.paths import Paths
from study.core.results import TRAIN_SCORES_VERSION
from study.core.run import Run, make_run, seed_sequence
from study.core.strategies import single_of
from study.core.study_file import Study, Training
from study.core.version import __version__
from study.core.writing import remove_folder, write_once, write_whole

MFCC_DIM = 60
"""20 coefficients and their first and second differences."""


def learn(study: Study, run: Run, targets: tuple[str, ...], attempt: str) -> None:
    """Train the run unless done already, and represent the sound of the targets, each set of sounds once."""
    paths, prepared = Paths(study.store), read_prepared(study)
    trained = read_trained(paths, run.run_id)
    if trained is None:
        trained = write_trained(paths, run.run_id, _train_run(study, prepared, run, attempt))
    remove_folder(paths.checkpoints(run.run_id))
    if trained.outcome != "ok":
        return
    for key in dict.fromkeys(prepared.targets[name].sound for name in targets):
        path = paths.representations(run.run_id) / f"{key}.npy"
        if not path.is_file():
            sharing = next(name for name in targets if prepared.targets[name].sound == key)
            store = open_sound(study, key)
            vectors = (
                _mfcc(study, store, open_target(study, sharing, prepared.targets[sharing]))
                if run.strategy == "MFCC"
                else _represent(study, run, store)
            )
            save_representation(path, vectors)


def _train_run(study: Study, prepared: Prepared, run: Run, attempt: str) -> Trained:
    """Learn the run's representation and save its weights."""
    paths, started_at = Paths(study.store), now()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    threads = study.compute.threads
    facts: dict[str, Any] = {
        "attempt": attempt,
        "threads": threads,
        "data_fingerprint": prepared.fingerprint_of(run),
        "made_from": prepared.made_from(run),
        "train_scores_version": TRAIN_SCORES_VERSION,
        "started_at": started_at,
    }
    if run.strategy == "MFCC":
        return Trained(
            "ok",
            train_seconds=0.0,
            train_steps=0,
            device="cpu",
            precision="float32",
            n_parameters=0,
            representation_dim=MFCC_DIM,
            **facts,
        )
    settings = study.training_of(run.factors)
    # By fingerprint: a training never resumes from a checkpoint of other data.
    checkpoints = paths.checkpoints(run.run_id) / facts["data_fingerprint"]
    store, arrays = open_sound(study, prepared.corpus_sound), open_corpus_arrays(study, prepared)
    statistics = (arrays.mean, arrays.deviation)
    training = np.flatnonzero(arrays.training)
    network, labels = _network_and_labels(study, prepared, run, store)
    if run.strategy == "Random":
        began = time.monotonic()
        initial = _initial_seed(run)
        set_normalisations(network, store, statistics, training, study.crop_frames, initial, device)
        outcome, steps, seconds, arithmetic = "ok", 0, time.monotonic() - began, Arithmetic()
    else:
        arithmetic = _kept_arithmetic(study, settings, device, len(training))
        ended = train(
            network,
            store=store,
            statistics=statistics,
            crop_frames=study.crop_frames,
            labels=labels,
            training_tracks=training,
            validation_tracks=np.flatnonzero(~arrays.training),
            settings=settings,
            run_id=run.run_id,
            device=device,
            threads=threads,
            checkpoint_folder=checkpoints,
            log_path=paths.log(run.run_id),
            arithmetic=arithmetic,
            gpu_share=study.cluster.gpu_share,
        )
        outcome, steps, seconds = ended.outcome, ended.steps, ended.seconds
    # If the run is recorded by now, another launch was first, and its weights stay.
    if outcome == "ok" and read_trained(paths, run.run_id) is None:
        description = _description(study, run) | {
            "data_fingerprint": facts["data_fingerprint"],
            "precision": arithmetic.precision,
            "compiled": arithmetic.compiled,
        }
        save_weights(paths.weights(run.run_id), network, statistics, description)
    return Trained(
        outcome,
        train_seconds=seconds,
        train_steps=steps,
        device=_device_name(device),
        precision=arithmetic.precision,
        n_parameters=network.n_parameters,
        representation_dim=network.representation_dim,
        **facts,
    )


def _network_and_labels(
    study: Study, prepared: Prepared, run: Run, store: MelStore
) -> tuple[Network, dict[str, np.ndarray]]:
    """The run's network before training, and the labels of its sources that have a table."""
    settings = study.training_of(run.factors)
    objectives = {name: study.sources[name].objective_under(settings) for name in run.sources}
    labels = {
        name: _learned_labels(study, prepared, name, objectives[name])
        for name in run.sources
        if study.sources[name].labels != "self"
    }
    factors = {name: labels[name].shape[1] if name in labels else None for name in run.sources}
    network = build_network(
        strategy_of(study, run),
        factors,
        store.channels,
        store.n_mels,
        settings.width,
        settings.backbone,
        settings.activation,
        settings.initialisation,
        objectives,
        seed=_initial_seed(run),
    )
    return network, labels


def _initial_seed(run: Run) -> np.random.SeedSequence:
    return seed_sequence(run.run_id, "initial weights")


def _represent(study: Study, run: Run, store: MelStore) -> np.ndarray:
    """The vector of each clip in the store, (n_tracks, 2 * dim) float32: means, then deviations."""
    network, statistics, _ = load_network(Paths(study.store).weights(run.run_id))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return represent(network, store, statistics, study.crop_frames, device)


def _mfcc(study: Study, store: MelStore, target: TargetData) -> np.ndarray:
    """As `_represent`, of the MFCC baseline, which goes back to the sound files of a target that has this sound.

    Raises InputFaults naming the first file that is not what the store was made from.
    """
    from jobs.sound.content_hashes import content_hash
    from jobs.sound.decode import decode
    from jobs.sound.spectra import mfcc_120

    path_of = dict(zip(target.track_ids, target.paths, strict=True))
    rate, channels = study.corpus.sample_rate_hz, study.corpus.channels
    vectors = []
    for track_id, stored in zip(store.track_ids, store.content_hash, strict=True):
        path = path_of[track_id]
        vectors.append(mfcc_120(decode(path, rate, channels), rate, study.mel))
        if content_hash(path) != stored:  # after it was decoded, so that it was this that was decoded
            raise InputFaults([Fault(str(path), "", None, CHANGED)])
    return np.stack(vectors)


def _description(study: Study, run: Run) -> dict[str, Any]:
    """The header of the weights: enough to represent any sound without the study."""
    return {
        "study": study.name,
        "run_id": run.run_id,
        "strategy": run.strategy,
        "sources": list(run.sources),
        "factors": dict(run.factors),
        "replicate": run.replicate,
        "seed": study.seed,
        "sample_rate_hz": study.corpus.sample_rate_hz,
        "channels": study.corpus.channels,
        "mel": study.mel.model_dump(mode="json"),
        "threads": study.compute.threads,
        "code_version": __version__,
    }


def _kept_arithmetic(study: Study, settings: Training, device: str, n_training_tracks: int) -> Arithmetic:
    """The choice that `auto` made for the study's first trained run; all its runs keep to it."""
    alone = (make_run(study, "", 0, single_of(study.known_strategies), (name,)) for name in study.sources)
    hours = min(run_cost_gpu_hours(study, run, n_training_tracks) or 0.0 for run in alone)
    backbones = study.factors.get("backbone", (study.training.backbone,))
    most = study.training.model_copy(update={"backbone": min(backbones, key=is_recurrent)})  # compiled if any can be
    first = resolve(most, device, hours * 3600 * REFERENCE_FLOP_PER_S)
    path, content = Paths(study.store).runs / "precision", sealed(f"{first}\n".encode())
    write_once(path, content)
    try:
        kept = read(path, lambda content: Arithmetic.of(content.decode()), "it is made again")
    except Damaged:  # so that no run fails for ever
        write_whole(path, content)
        kept = first
    return keep_to(kept, settings, device)


def _learned_labels(study: Study, prepared: Prepared, source: str, loss: str) -> np.ndarray:
    """As `open_labels`, but tags (0 or 1) become a distribution if they are learned as one."""
    labels = open_labels(study, prepared, source)
    shared = study.sources[source].labels == "tags" and loss == "kl"
    return labels / labels.sum(axis=1, keepdims=True) if shared else labels


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"
