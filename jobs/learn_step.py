"""The step `learn`: let a run's learner learn unless done already, then represent the sound of targets."""

from __future__ import annotations

import time
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from jobs.kept_representations import save_representation
from jobs.learner_weights import hash_of_weights
from jobs.learning.batches import Statistics
from jobs.learning.learners import learned
from jobs.learning.learners.learner import Context, Learned
from jobs.learning.precision import Arithmetic, is_recurrent, keep_to, resolve
from jobs.learning.readout import read_out
from jobs.learning.representation import load_network, over_slices, represent, save_weights
from jobs.networks.branching import Network
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
from jobs.sound.content_hashes import content_hash
from jobs.sound.mel_store import MelStore
from jobs.sound.spectra import mean_and_deviation
from jobs.targets.track_labels import TargetData
from study.core.cost import REFERENCE_FLOP_PER_S, run_cost_gpu_hours, strategy_of
from study.core.digests import read, sealed
from study.core.errors import Damaged, Fault, InputFaults
from study.core.evaluation_factors import REPRESENTATION
from study.core.evaluations import evaluations
from study.core.learners import BASE
from study.core.paths import Paths
from study.core.results import TRAIN_SCORES_VERSION
from study.core.run import Run, make_run
from study.core.sections import Training
from study.core.strategies import single_of
from study.core.study_file import Study
from study.core.version import __version__
from study.core.writing import make_folder, remove_folder, write_once, write_whole


def learn(study: Study, run: Run, targets: tuple[str, ...], attempt: str) -> None:
    """Let the run learn unless done already, and represent the sound of the targets, each set of sounds once."""
    paths, prepared = Paths(study.store), read_prepared(study)
    trained, now_learned = read_trained(paths, run.run_id), None
    if trained is None:
        trained, now_learned = _learn_run(study, prepared, run, attempt)
        trained = write_trained(paths, run.run_id, trained)
    if trained.gives == "network" or trained.outcome != "ok":
        remove_folder(paths.checkpoints(run.run_id))
    if trained.outcome != "ok":
        return
    needed = {
        (prepared.targets[name].sound, setting.readout): name
        for name in targets
        for setting in evaluations(study, run, name)
        if setting.readout == REPRESENTATION or trained.gives == "network"
    }
    stored = cache(partial(load_network, paths.weights(run.run_id)))
    for (key, readout), sharing in needed.items():
        path = paths.representation(run.run_id, key, readout)
        if not path.is_file():
            store = open_sound(study, key)
            if trained.gives == "network" and run.strategy != "MFCC":  # of earlier versions, MFCC says so, too
                network, statistics, _ = stored()
                vectors = _represent(study, network, statistics, store, readout)
            else:
                now_learned = now_learned or learned(study, run, _context(study, prepared, run))
                target = open_target(study, sharing, prepared.targets[sharing])
                vectors = _by_function(study, prepared, now_learned, store, target)
            save_representation(path, vectors)


def _learn_run(study: Study, prepared: Prepared, run: Run, attempt: str) -> tuple[Trained, Learned]:
    """What the run's learner gives, its weights stored if it is a network, and the record of it."""
    paths, started_at = Paths(study.store), now()
    context, began = _context(study, prepared, run), time.monotonic()
    _check_weights(study, prepared, run)
    found = learned(study, run, context)
    fingerprint, (dimensions, n_parameters) = prepared.fingerprint_of(run), found.size
    # If the run is recorded by now, another launch was first, and its weights stay.
    if found.network is not None and found.outcome == "ok" and read_trained(paths, run.run_id) is None:
        description = _description(study, run) | {
            "data_fingerprint": fingerprint,
            "precision": found.precision,
            "compiled": context.arithmetic.compiled,
        }
        save_weights(paths.weights(run.run_id), found.network, context.statistics, description)
    trained = Trained(
        found.outcome,
        attempt=attempt,
        train_seconds=time.monotonic() - began if found.seconds is None else found.seconds,
        train_steps=found.steps,
        device=_device_name(context.device) if found.gives != "files" else "cpu",
        precision=found.precision,
        n_parameters=n_parameters,
        representation_dim=dimensions,
        threads=study.compute.threads,
        data_fingerprint=fingerprint,
        train_scores_version=TRAIN_SCORES_VERSION,
        started_at=started_at,
        made_from=prepared.made_from(run),
        learner=run.strategy if run.is_baseline else context.settings.learner,
        gives=found.gives,
    )
    return trained, found


def _context(study: Study, prepared: Prepared, run: Run) -> Context:
    """What the run's learner is called with."""
    paths, settings = Paths(study.store), study.training_of(run.factors)
    store, arrays = open_sound(study, prepared.corpus_sound), open_corpus_arrays(study, prepared)
    training, device = np.flatnonzero(arrays.training), "cuda" if torch.cuda.is_available() else "cpu"
    objectives = {name: study.sources[name].objective_under(settings) for name in run.sources}
    labels = {
        name: _learned_labels(study, prepared, name, objectives[name])
        for name in run.sources
        if study.sources[name].labels != "self"
    }
    # By fingerprint: a training never resumes from a checkpoint of other data.
    folder = paths.checkpoints(run.run_id) / prepared.fingerprint_of(run)
    if not run.is_baseline and study.learner_function(run.factors) != BASE:
        make_folder(folder)
    return Context(
        run_id=run.run_id,
        strategy=run.strategy,
        sharing=strategy_of(study, run),
        sources=run.sources,
        levels=run.factors,
        settings=settings,
        objectives=objectives,
        labels=labels,
        source_factors={name: labels[name].shape[1] if name in labels else None for name in run.sources},
        store=store,
        statistics=(arrays.mean, arrays.deviation),
        crop_frames=study.crop_frames,
        training_tracks=training,
        validation_tracks=np.flatnonzero(~arrays.training),
        sample_rate_hz=study.corpus.sample_rate_hz,
        mel=study.mel,
        device=device,
        threads=study.compute.threads,
        gpu_share=study.cluster.gpu_share,
        arithmetic=Arithmetic() if run.is_baseline else _kept_arithmetic(study, settings, device, len(training)),
        folder=folder,
        log_path=paths.log(run.run_id),
    )


def _represent(study: Study, network: Network, statistics: Statistics, store: MelStore, readout: str) -> np.ndarray:
    """The vector of each clip in the store, (n_tracks, d) float32, by the run's stored network."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if readout == REPRESENTATION:
        return represent(network, store, statistics, study.crop_frames, device)
    return read_out(network, store, statistics, study.crop_frames, readout, device)


def _by_function(study: Study, prepared: Prepared, found: Learned, store: MelStore, target: TargetData) -> np.ndarray:
    """As `_represent`, by a function of crops; or of files, which are those of a target that has this sound.

    Raises InputFaults naming the first file that is not what the store was made from.
    """
    if found.of_crops is not None:
        arrays = open_corpus_arrays(study, prepared)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return over_slices(found.of_crops, store, (arrays.mean, arrays.deviation), study.crop_frames, device)
    assert found.of_file is not None  # `Learned` has one of them
    path_of = dict(zip(target.track_ids, target.paths, strict=True))
    vectors = []
    for track_id, stored in zip(store.track_ids, store.content_hash, strict=True):
        path = path_of[track_id]
        vectors.append(mean_and_deviation(found.of_file(path)))
        if content_hash(path) != stored:  # after it was decoded, so that it was this that was decoded
            raise InputFaults([Fault(str(path), "", None, CHANGED)])
    return np.stack(vectors)


def _check_weights(study: Study, prepared: Prepared, run: Run) -> None:
    """Raise InputFaults if the file that the run's learner reads has changed since `prepare`."""
    name = study.training_of(run.factors).learner
    made_from = prepared.made_from(run).get("learner")
    if made_from is not None and hash_of_weights(study, name) != made_from:
        raise InputFaults([Fault(str(study.learners[name].weights), "", None, CHANGED)])


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
