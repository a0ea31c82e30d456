"""Convert sound to mel stores and label tables to label distributions, where missing or stale.

prepared/sound/<key>/            a mel store; the key is a hash of its sounds and of [mel], so targets that share
                                 their sound share a store, and a changed file makes another key
prepared/labels/<source>-<fingerprint>.npz   distribution (n_tracks, factors), tracks in the corpus's order
prepared/labels/<source>-<fingerprint>-topics.csv   the strongest terms of each topic
prepared/corpus-<fingerprint>.npz            training (n_tracks,), mean and deviation (n_mels,)
prepared/backbones.json          costs of networks that declare none
prepared/prepared.json           what belongs to the present study; written last
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.corpus import Corpus, training_split
from jobs.fingerprints import corpus_fingerprint, sound_key, target_fingerprint
from jobs.inputs import CORPUS, on_broken, read_inputs, readable_target
from jobs.learner_weights import hashes_of_weights
from jobs.prepared_data import (
    Prepared,
    PreparedTarget,
    corpus_path,
    dropped_sound,
    labels_path,
    open_sound,
    prepared_json,
    read_arrays,
    save_arrays,
    sound_folder,
    whole_arrays,
)
from jobs.sound.content_hashes import HASHES, content_hashes
from jobs.sound.decode import sound_fault
from jobs.sound.mel_store import MelStore, band_statistics, check_frames, read_mel_store
from jobs.source_labels import SourceLabels, on_kept_information, prepare_labels
from jobs.targets.held_out import empty_part_faults, held_out_target
from jobs.targets.splits import how_split, split_faults
from jobs.targets.track_labels import TargetData
from study.core.backbone_costs import crop_of, faults_of_own_backbones, undeclared, write_costs
from study.core.backbones import backbone_named
from study.core.digests import sealed_json
from study.core.errors import Damaged, Fault, InputFaults, raise_all
from study.core.paths import Paths
from study.core.run_works import networks_of
from study.core.study_file import Study
from study.core.temporary_files import sweep_store
from study.core.writing import make_folder, write_whole


def prepare(
    study: Study,
    tell: Callable[[str], None] = lambda line: None,
    workers: int | None = None,
    all_frames: bool = False,
) -> Prepared:
    """Prepare what is missing, stale or damaged, and say what was done. First raises InputFaults with all faults.

    `all_frames` reads every mel store to its end and compares it with its digests; else its index alone.
    """
    inputs = read_inputs(study)
    raise_all([*inputs.faults, *faults_of_own_backbones(study)])
    corpus, listed, sounds = inputs.corpus, inputs.targets, inputs.sounds
    assert corpus is not None  # without faults it was read
    workers = workers or os.cpu_count() or 1
    paths = Paths(study.store)
    make_folder(paths.prepared)
    sweep_store(paths)

    hash_of = _hashes(study, sounds, workers)
    hashes = {name: [hash_of[path] for path in tracks["path"]] for name, tracks in sounds.items()}
    keys = {name: sound_key(study, tracks["track_id"], hashes[name]) for name, tracks in sounds.items()}
    _convert_sound(study, sounds, hashes, keys, workers, all_frames, tell)
    _measure_networks(study, tell)
    store = open_sound(study, keys[CORPUS])
    targets = _readable_targets(study, listed, keys, tell)

    tracks = corpus.tracks.set_index("track_id", drop=False).loc[list(store.track_ids)]
    training = training_split(study, tracks)
    of_corpus = corpus_fingerprint(keys[CORPUS], training)
    _corpus_arrays(study, of_corpus, store, training, tell)
    labels = {
        name: prepare_labels(study, name, corpus, list(store.track_ids), training, of_corpus, tell)
        for name in study.sources
    }
    made_from = {name: made.fingerprint for name, made in labels.items()}
    for name, data in _held_out_targets(study, corpus, store, training, made_from).items():
        targets[name], keys[name] = data, keys[CORPUS]
    prepared = Prepared(
        keys[CORPUS],
        of_corpus,
        int(training.sum()),
        int((~training).sum()),
        made_from,
        {name: _prepared_target(study, name, targets[name], keys[name]) for name in study.targets},
        study.training.learner,
        hashes_of_weights(study),
    )
    write_whole(prepared_json(paths), sealed_json(asdict(prepared)))
    _say_what_there_is(study, corpus, store, prepared, labels, tell)
    return prepared


def _held_out_targets(
    study: Study, corpus: Corpus, store: MelStore, training: np.ndarray, made_from: Mapping[str, str]
) -> dict[str, TargetData]:
    """The targets that are made of a source. Raises InputFaults if its tracks cannot be such a target."""
    path_of = dict(zip(corpus.tracks["track_id"], corpus.tracks["path"], strict=True))
    targets, faults = {}, []
    for name, target in study.targets.items():
        if target.source is not None:
            labels = read_arrays(labels_path(study, target.source, made_from[target.source]))["distribution"]
            targets[name] = held_out_target(study, name, store.track_ids, path_of, training, labels)
            faults += list(empty_part_faults(targets[name])) or list(split_faults(targets[name], target))
    raise_all(faults)
    return targets


def _prepared_target(study: Study, name: str, data: TargetData, sound: str) -> PreparedTarget:
    target = study.targets[name]
    return PreparedTarget(
        sound,
        target_fingerprint(study, name, data, sound),
        len(data.track_ids),
        len(np.unique(data.labels)) if target.task == "classification" else None,
        how_split(data, target),
    )


def _convert_sound(
    study: Study,
    sounds: Mapping[str, pd.DataFrame],
    hashes: Mapping[str, list[str | None]],
    keys: Mapping[str, str],
    workers: int,
    all_frames: bool,
    tell: Callable[[str], None],
) -> None:
    """Make the mel stores that are missing or damaged. Raises InputFaults naming all files that cannot be read."""
    broken: list[Fault] = []
    for name, tracks in sounds.items():
        try:
            if not _is_usable(sound_folder(study, keys[name]), on_broken(study, name), all_frames, tell):
                from jobs.sound.mel_writing import write_mel_store  # imports torch

                tell(f"sound: converting {len(tracks)} clips to mel spectrograms")
                write_mel_store(
                    sound_folder(study, keys[name]),
                    tracks,
                    study.corpus.sample_rate_hz,
                    study.corpus.channels,
                    study.mel,
                    study.crop_frames,
                    on_broken(study, name),
                    workers,
                    hashes[name],
                )
        except InputFaults as error:
            broken += error.faults
    raise_all(broken)


def _measure_networks(study: Study, tell: Callable[[str], None]) -> None:
    """Measure the costs of networks that declare none, for the study's crops."""
    names = undeclared(study)
    if not names:
        return
    from jobs.networks.stages import measured_costs  # imports torch

    own = [training for training in networks_of(study) if training.backbone in names]
    crop = crop_of(study)
    measured = [(each, measured_costs(backbone_named(each.backbone), crop, each.width)) for each in own]
    write_costs(study, measured)
    for training, costs in measured:
        size, flops = sum(cost.parameters for cost in costs), sum(cost.flops for cost in costs)
        width = f" at width {training.width:g}" if training.width != 1 else ""
        tell(f"backbone {training.backbone}{width}: {size:,} parameters, {flops / 1e9:.3g} GFLOP for a crop")


def _hashes(study: Study, sounds: Mapping[str, pd.DataFrame], workers: int) -> dict[str, str | None]:
    """The hash of the content of each file by its path, None of one that may be left out.

    Raises InputFaults naming every other file that is missing or cannot be read.
    """
    cache = Paths(study.store).prepared / "sound" / HASHES
    make_folder(cache.parent)
    files = [path for tracks in sounds.values() for path in tracks["path"]]
    hash_of = dict(zip(files, content_hashes(files, cache, workers), strict=True))
    needed = [name for name in sounds if on_broken(study, name) == "stop"]
    unread = dict.fromkeys(path for name in needed for path in sounds[name]["path"] if hash_of[path] is None)
    raise_all(sound_fault(path) for path in unread)
    return hash_of


def _readable_targets(
    study: Study, listed: Mapping[str, TargetData], keys: Mapping[str, str], tell: Callable[[str], None]
) -> dict[str, TargetData]:
    """The targets without the clips that their stores lack. Raises InputFaults if a target needs them."""
    targets, faults = {}, []
    for name, data in listed.items():
        dropped = dropped_sound(study, keys[name])
        targets[name], of_target = readable_target(study, name, data, dropped)
        faults += of_target
        if dropped:
            tell(f"target {name}: {len(dropped)} of {len(data.track_ids)} clips cannot be read and are left out")
    raise_all(faults)
    return targets


def _say_what_there_is(
    study: Study,
    corpus: Corpus,
    store: MelStore,
    prepared: Prepared,
    labels: Mapping[str, SourceLabels],
    tell: Callable[[str], None],
) -> None:
    tell(
        f"corpus: {len(store)} of {corpus.listed} tracks, {prepared.n_training} for training, "
        f"{prepared.n_validation} for validation; {store.counts}"
    )
    for line in on_kept_information(study, labels):
        tell(line)
    if len(study.targets) == 1:
        tell("only one target: runs can be trained and scored, but `study analyze` needs two or more")
    for name, count in corpus.unlabelled.items():
        if count:
            left_out = "left out" if study.corpus.use == "common" else "not used to learn it"
            tell(f"source {name}: {count} tracks without a label are {left_out}")


def _is_usable(folder: Path, broken: str, all_frames: bool, tell: Callable[[str], None]) -> bool:
    """Whether a mel store is there, whole, and has all that it should."""
    if not folder.is_dir():
        return False
    try:
        store = read_mel_store(folder)
        if all_frames:
            check_frames(store, np.arange(len(store)))
    except Damaged as damaged:
        tell(f"{damaged.path}: damaged, {damaged.why}; it is made again")
        return False
    # A store made under "drop" may lack tracks: under "stop" it is made again, which names them.
    return broken != "stop" or not store.counts.dropped


def _corpus_arrays(study: Study, of: str, store: MelStore, training: np.ndarray, tell: Callable[[str], None]) -> None:
    path = corpus_path(study, of)
    if whole_arrays(path, tell) is None:
        mean, deviation = band_statistics(store, np.flatnonzero(training))
        save_arrays(path, training=training, mean=mean, deviation=deviation)
