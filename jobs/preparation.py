"""Convert sound to mel stores and label tables to label distributions, where missing or stale.

prepared/sound/<key>/            a mel store; the key is a hash of its sounds and of [mel], so targets that share
                                 their sound share a store, and a changed file makes another key
prepared/labels/<source>-<fingerprint>.npz   distribution (n_tracks, factors), tracks in the corpus's order
prepared/labels/<source>-<fingerprint>-topics.csv   the strongest terms of each topic
prepared/corpus-<fingerprint>.npz            training (n_tracks,), mean and deviation (n_mels,)
prepared/prepared.json           what belongs to the present study; written last
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from jobs.corpus import training_split
from jobs.inputs import CORPUS, on_broken, read_inputs, readable_target
from jobs.prepared_data import (
    Prepared,
    PreparedTarget,
    corpus_fingerprint,
    corpus_path,
    dropped_sound,
    open_sound,
    prepared_json,
    save_arrays,
    sound_folder,
    sound_key,
    target_fingerprint,
)
from jobs.sound.content_hashes import HASHES, content_hashes
from jobs.sound.decode import sound_fault
from jobs.sound.mel_store import MelStore, band_statistics, read_mel_store
from jobs.source_labels import on_kept_information, prepare_labels
from jobs.targets.track_labels import TargetData
from study.core.errors import Fault, InputFaults, raise_all
from study.core.paths import Paths
from study.core.study_file import Study
from study.core.temporary_files import sweep_store
from study.core.writing import make_folder, write_whole


def prepare(study: Study, tell: Callable[[str], None] = lambda line: None, workers: int | None = None) -> Prepared:
    """Prepare what is missing or stale, and say what was done. First raises InputFaults with all faults, if any."""
    inputs = read_inputs(study)
    raise_all(inputs.faults)
    corpus, listed, sounds = inputs.corpus, inputs.targets, inputs.sounds
    assert corpus is not None  # without faults it was read
    workers = workers or os.cpu_count() or 1
    paths = Paths(study.store)
    make_folder(paths.prepared)
    sweep_store(paths)

    hash_of = _hashes(study, sounds, workers)
    hashes = {name: [hash_of[path] for path in tracks["path"]] for name, tracks in sounds.items()}
    keys = {name: sound_key(study, tracks["track_id"], hashes[name]) for name, tracks in sounds.items()}
    broken: list[Fault] = []
    for name, tracks in sounds.items():
        try:
            _make_mel_store(study, keys[name], tracks, hashes[name], on_broken(study, name), tell, workers)
        except InputFaults as error:
            broken += error.faults
    raise_all(broken)
    store = open_sound(study, keys[CORPUS])
    targets = _readable_targets(study, listed, keys, tell)

    tracks = corpus.tracks.set_index("track_id", drop=False).loc[list(store.track_ids)]
    training = training_split(study, tracks)
    of_corpus = corpus_fingerprint(keys[CORPUS], training)
    _corpus_arrays(study, of_corpus, store, training)
    labels = {
        name: prepare_labels(study, name, corpus, list(store.track_ids), training, of_corpus, tell)
        for name in study.sources
    }
    prepared = Prepared(
        keys[CORPUS], of_corpus, int(training.sum()), int((~training).sum()),
        {name: made.fingerprint for name, made in labels.items()},
        {name: PreparedTarget(keys[name], target_fingerprint(study, name, data, keys[name]), len(data.track_ids))
         for name, data in targets.items()},
    )  # fmt: skip
    text = json.dumps(asdict(prepared), indent=1)
    write_whole(prepared_json(paths), text.encode())
    tell(f"corpus: {len(store)} of {corpus.listed} tracks, {prepared.n_training} for training, "
         f"{prepared.n_validation} for validation; {store.counts}")  # fmt: skip
    for line in on_kept_information(study, labels):
        tell(line)
    if len(study.targets) == 1:
        tell("only one target: runs can be trained and scored, but `study analyze` needs two or more")
    for name, count in corpus.unlabelled.items():
        if count:
            left_out = "left out" if study.corpus.use == "common" else "not used to learn it"
            tell(f"source {name}: {count} tracks without a label are {left_out}")
    return prepared


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


def _make_mel_store(
    study: Study, key: str, tracks: pd.DataFrame, hashes: list[str | None], broken: str, tell: Callable[[str], None],
    workers: int,
) -> None:  # fmt: skip
    folder = sound_folder(study, key)
    # A store made under "drop" may lack tracks: under "stop" it is made again, which names them.
    if not folder.is_dir() or (broken == "stop" and read_mel_store(folder).counts.dropped):
        from jobs.sound.mel_writing import write_mel_store  # imports torch

        tell(f"sound: converting {len(tracks)} clips to mel spectrograms")
        write_mel_store(folder, tracks, study.corpus.sample_rate_hz, study.corpus.channels, study.mel,
                        study.crop_frames, broken, workers, hashes)  # fmt: skip


def _corpus_arrays(study: Study, of: str, store: MelStore, training: np.ndarray) -> None:
    path = corpus_path(study, of)
    if not path.is_file():
        mean, deviation = band_statistics(store, np.flatnonzero(training))
        save_arrays(path, training=training, mean=mean, deviation=deviation)
