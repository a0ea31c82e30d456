"""Sound to mel stores, label tables to label distributions, targets to theirs: only what is missing or stale.

prepared/sound/<key>/            a mel store; the key is a hash of its sounds and of [mel], so targets that share
                                 their sound share a store, and a changed file makes another key
prepared/labels/<source>-<fingerprint>.npz   distribution (n_tracks, factors), tracks in the corpus's order
prepared/labels/<source>-<fingerprint>-topics.csv   the strongest terms of each topic
prepared/corpus-<fingerprint>.npz            training (n_tracks,), mean and deviation (n_mels,)
prepared/prepared.json           what belongs to the study as it is now; written last
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.corpus import Corpus, read_corpus, training_split
from jobs.labels.label_models import LABEL_MODELS
from jobs.labels.plsa import PlsaModel, top_terms
from jobs.prepared_data import (
    Prepared,
    PreparedTarget,
    corpus_path,
    fingerprint,
    labels_path,
    open_sound,
    prepared_json,
    sound_folder,
    topics_path,
)
from jobs.sound.content_hashes import content_hashes
from jobs.sound.decode import EXPECTED, sound_faults
from jobs.sound.mel_store import MelStore, band_statistics, read_mel_store
from jobs.sound.mel_writing import HASHES, write_mel_store
from jobs.targets.scoring import read_target, target_splits
from jobs.targets.track_labels import TargetData
from study.core.errors import Fault, InputFaults, distinct, raise_all
from study.core.paths import Paths, write_whole
from study.core.run import study_seed_sequence
from study.core.study_checks import missing_files, not_launchable
from study.core.study_file import Source, Study


def check(study: Study, workers: int = 1) -> list[Fault]:
    """Every fault of what the study file points to: files, tables, splits, and each sound decoded."""
    faults, corpus, targets = _read_all(study)
    sounds = [] if corpus is None or study.corpus.on_broken == "drop" else list(corpus.tracks["path"])
    sounds += [str(path) for data in targets.values() for path in data.paths]
    return faults + sound_faults(dict.fromkeys(sounds), workers)


def table_faults(study: Study) -> list[Fault]:
    """The faults of `check` without those of sound: of files that are missing, tables and splits."""
    return _read_all(study)[0]


def prepare(study: Study, tell: Callable[[str], None] = lambda line: None, workers: int | None = None) -> Prepared:
    """Make what is missing or stale, and say what was done. Raises InputFaults with everything that is wrong first."""
    faults, corpus, targets = _read_all(study)
    raise_all(faults)
    assert corpus is not None  # without faults it was read
    workers = workers or os.cpu_count() or 1
    paths = Paths(study.store)
    paths.prepared.mkdir(parents=True, exist_ok=True)

    sounds = {name: pd.DataFrame({"track_id": data.track_ids, "path": data.paths}) for name, data in targets.items()}
    keys = _sound_keys(study, {"": corpus.tracks, **sounds}, workers)
    broken: list[Fault] = []
    for name, tracks in {"": corpus.tracks, **sounds}.items():
        try:
            _make_mel_store(study, keys[name], tracks, "stop" if name else study.corpus.on_broken, tell, workers)
        except InputFaults as error:
            broken += error.faults
    raise_all(broken)
    store = open_sound(study, keys[""])

    tracks = corpus.tracks.set_index("track_id", drop=False).loc[list(store.track_ids)]
    training = training_split(study, tracks)
    corpus_fingerprint = fingerprint(keys[""], training.tobytes().hex())
    _corpus_arrays(study, corpus_fingerprint, store, training)
    sources = {
        name: _labels(study, name, source, corpus, list(store.track_ids), training, corpus_fingerprint, tell)
        for name, source in study.sources.items()
    }
    prepared = Prepared(
        keys[""], corpus_fingerprint, int(training.sum()), int((~training).sum()), sources,
        {name: PreparedTarget(keys[name], _target_fingerprint(study, name, data, keys[name]), len(data.track_ids))
         for name, data in targets.items()},
    )  # fmt: skip
    text = json.dumps(asdict(prepared), indent=1)
    write_whole(prepared_json(paths), lambda temporary: temporary.write_text(text, encoding="utf-8"))
    tell(f"corpus: {len(store)} of {corpus.listed} tracks, {prepared.n_training} to learn from, "
         f"{prepared.n_validation} to validate; {store.counts}")  # fmt: skip
    if len(study.targets) == 1:
        tell("one target: runs can be trained and scored, but `study analyze` needs two targets or more")
    for name, count in corpus.unlabelled.items():
        if count:
            left_out = "left out" if study.corpus.use == "common" else "not learned from for it"
            tell(f"source {name}: {count} tracks without a label, {left_out}")
    return prepared


def _read_all(study: Study) -> tuple[list[Fault], Corpus | None, dict[str, TargetData]]:
    """The corpus and the targets as far as they can be read, and every fault of them."""
    missing = missing_files(study)
    faults = not_launchable(study) + missing
    absent = {fault.value for fault in missing}
    corpus, targets = None, {}
    named = [study.corpus.tracks, *(source.table for source in study.sources.values())]
    if not absent.intersection(map(str, named)):
        try:
            corpus = read_corpus(study)
            faults += _label_faults(study, corpus, training_split(study, corpus.tracks))
        except InputFaults as error:
            faults += error.faults
    for name, target in study.targets.items():
        if not absent.intersection(map(str, (target.tracks, target.interactions))):
            try:
                targets[name] = read_target(target, name)
                target_splits(targets[name], target, study.seed, name)
            except InputFaults as error:
                faults += error.faults
    return distinct(faults), corpus, targets


def _label_faults(study: Study, corpus: Corpus, training: np.ndarray) -> Iterator[Fault]:
    """Why a source's label model cannot be fitted to the training tracks, before any sound is looked at."""
    for name, table in corpus.labels.items():
        labelled = corpus.tracks["track_id"].isin(table.track_ids).to_numpy()
        of_tracks = table.select(list(corpus.tracks["track_id"][labelled]))
        source = study.sources[name]
        yield from LABEL_MODELS[source.labels].faults(of_tracks, training[labelled], source.factors)


def _sound_keys(study: Study, sounds: Mapping[str, pd.DataFrame], workers: int) -> dict[str, str]:
    """A hash for each set of sounds, of the sounds' content and of what the mel store depends on.

    Raises InputFaults that name every file that is not there or cannot be read.
    """
    cache = Paths(study.store).prepared / "sound" / HASHES
    cache.parent.mkdir(exist_ok=True)
    files = [str(path) for tracks in sounds.values() for path in tracks["path"]]
    hash_of = dict(zip(files, content_hashes(files, cache, workers), strict=True))
    needed = [name for name in sounds if name or study.corpus.on_broken == "stop"]
    unread = dict.fromkeys(str(p) for name in needed for p in sounds[name]["path"] if hash_of[str(p)] is None)
    raise_all(Fault(path, "sound", "no such file" if not Path(path).is_file() else "unreadable", EXPECTED)
              for path in unread)  # fmt: skip
    settings = [study.mel.model_dump_json(), study.corpus.sample_rate_hz, study.corpus.channels]
    return {
        name: fingerprint(*settings, *tracks["track_id"], *(hash_of[str(path)] for path in tracks["path"]))
        for name, tracks in sounds.items()
    }


def _make_mel_store(
    study: Study, key: str, tracks: pd.DataFrame, on_broken: str, tell: Callable[[str], None], workers: int
) -> None:
    folder = sound_folder(study, key)
    # A store made under "drop" may lack tracks: under "stop" it is made again, which names them.
    if not folder.is_dir() or (on_broken == "stop" and read_mel_store(folder).counts.dropped):
        tell(f"sound: {len(tracks)} clips to mel")
        write_mel_store(folder, tracks, study.corpus.sample_rate_hz, study.corpus.channels, study.mel,
                        study.crop_frames, on_broken, workers)  # fmt: skip


def _corpus_arrays(study: Study, of: str, store: MelStore, training: np.ndarray) -> None:
    path = corpus_path(study, of)
    if not path.is_file():
        mean, deviation = band_statistics(store, np.flatnonzero(training))
        _save_arrays(path, training=training, mean=mean, deviation=deviation)


def _labels(
    study: Study, name: str, source: Source, corpus: Corpus, track_ids: list[str], training: np.ndarray,
    corpus_fingerprint: str, tell: Callable[[str], None],
) -> str:  # fmt: skip
    """Fit the source's label model on training tracks and store every track's distribution; the fingerprint of both."""
    if source.labels == "self":
        return fingerprint(corpus_fingerprint, "self")
    folder = Paths(study.store).prepared / "labels"
    (table_hash,) = content_hashes([source.table], folder / HASHES)
    made_from = fingerprint(corpus_fingerprint, source.label_settings(), study.seed, table_hash)
    path = labels_path(study, name, made_from)
    if path.is_file():
        return made_from
    tell(f"labels: {name} to {source.factors} factors ({source.labels})")
    model_of = LABEL_MODELS[source.labels]
    present = set(corpus.labels[name].track_ids)
    labelled = np.array([track_id in present for track_id in track_ids])
    table = corpus.labels[name].select([track_id for track_id in track_ids if track_id in present])
    rng = np.random.default_rng(study_seed_sequence(study, f"labels of {name}"))
    model = model_of.fit(table, training[labelled], source.factors, rng)
    distribution = np.full((len(track_ids), source.factors), np.nan, dtype=np.float32)
    distribution[labelled] = model_of.distribution(model, table)
    without = int(np.isnan(distribution[labelled]).any(axis=1).sum())
    if without:
        tell(f"labels: {without} tracks have none of the {source.factors} terms of {name}, not learned from for it")
    if isinstance(model, PlsaModel):
        topics = pd.DataFrame(top_terms(model)).rename(columns=lambda rank: f"term_{rank + 1}")
        topics.insert(0, "topic", range(1, len(topics) + 1))
        write_whole(topics_path(study, name, made_from), partial(topics.to_csv, index=False))
    _save_arrays(path, distribution=distribution)
    return made_from


def _target_fingerprint(study: Study, name: str, data: TargetData, sound: str) -> str:
    """What a target's scores depend on beside the representation: its labels, its sound, its splits and its probe.

    Of evaluation factors and fine-tuning only where the study has them, so that no other fingerprint hangs on them.
    """
    target = study.targets[name]
    settings = target.model_dump(mode="json", exclude={"tracks", "interactions", "keep", "metrics"})
    plays = () if data.plays is None else (data.plays.indptr, data.plays.indices, data.plays.data)
    arrays = (data.labels, data.groups, data.in_test, *plays)
    content = hashlib.sha256()
    for array in arrays:
        content.update(b"none" if array is None else str(array.dtype).encode() + np.ascontiguousarray(array).tobytes())
    evaluation: list[object] = []
    if study.evaluation_factors:
        fine_tuning = None if data.labels is None else study.fine_tuning.model_dump(mode="json")
        evaluation = [study.evaluation_factors, fine_tuning]
    return fingerprint(
        settings, sorted(target.metric_names), data.track_ids, sound, study.seed, content.hexdigest(), *evaluation
    )


def _save_arrays(path: Path, **arrays: np.ndarray) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    write_whole(path, save)
