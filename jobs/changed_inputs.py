"""Which inputs are no longer those that `prepare` read, and which runs were trained on others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import pandas as pd

from jobs.corpus import Corpus, training_split
from jobs.fingerprints import corpus_fingerprint, sound_key, target_fingerprint
from jobs.inputs import CORPUS, Inputs, read_inputs
from jobs.learner_weights import hashes_of_weights
from jobs.prepared_data import Prepared, dropped_sound, sound_folder
from jobs.records import known_training
from jobs.sound.content_hashes import HASHES, content_hashes
from jobs.sound.mel_store import read_mel_store
from jobs.source_labels import labels_fingerprint
from jobs.targets.unreadable_sound import without_tracks
from jobs.verification import Finding, finding_of
from study.core.errors import InputFaults, StudyError
from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study

LEARNED = "restore it, or give the changed study another [study] store: `launch` refuses runs trained on the old one"
SCORED = "restore it, or launch: `study launch` scores every run on this target again"


def changed_inputs(
    study: Study, prepared: Prepared, runs: Iterable[Run], afresh: bool = False, workers: int = 1
) -> list[Finding]:
    """Each input that is missing, wrong or changed. `afresh` reads all sound and tables; else only what the cache of
    hashes does not know by their size, times, inode and a sample."""
    inputs = read_inputs(study)
    found = [finding_of(fault) for fault in inputs.faults]
    found += _sounds(study, prepared, inputs, afresh, workers)
    if inputs.corpus is not None and not inputs.faults:
        found += _labels(study, prepared, inputs.corpus, afresh)
    found += _targets(study, prepared, inputs)
    found += _learners(study, prepared)
    found += _runs(study, prepared, runs)
    return list(dict.fromkeys(found))


def _runs(study: Study, prepared: Prepared, runs: Iterable[Run]) -> Iterator[Finding]:
    for run in runs:
        with suppress(InputFaults):  # a record that cannot be read, which is said of itself
            trained = known_training(Paths(study.store), run.run_id)
            if trained is not None and trained.data_fingerprint != prepared.fingerprint_of(run):
                yield Finding(f"runs/{run.run_id}", "trained on other data than what is prepared", LEARNED)


def _learners(study: Study, prepared: Prepared) -> Iterator[Finding]:
    for name, content in hashes_of_weights(study).items():
        if prepared.learners.get(name, content) != content:
            yield Finding(str(study.learners[name].weights), "not the file that runs learned by", LEARNED)


def _sounds(study: Study, prepared: Prepared, inputs: Inputs, afresh: bool, workers: int) -> Iterator[Finding]:
    cache = Paths(study.store).prepared / "sound" / HASHES
    files = list(dict.fromkeys(path for tracks in inputs.sounds.values() for path in tracks["path"]))
    hash_of = dict(zip(files, content_hashes(files, cache, workers, afresh), strict=True))
    keys = {CORPUS: prepared.corpus_sound} | {name: target.sound for name, target in prepared.targets.items()}
    for name, tracks in inputs.sounds.items():
        remedy = SCORED if name else LEARNED
        key = keys.get(name)
        hashes = [hash_of[path] for path in tracks["path"]]
        if key is None:
            yield Finding(f"[targets.{name}]", "not prepared yet", "`study launch` prepares it")
        elif sound_key(study, tracks["track_id"], hashes) != key:
            changed = list(_changed(study, key, tracks, hashes))
            yield from (Finding(path, "not the sound that was prepared", remedy) for path in changed)
            if not changed:
                which = f"[targets.{name}] tracks" if name else "[corpus] tracks"
                yield Finding(which, "other tracks than those that were prepared, or converted otherwise", remedy)


def _changed(study: Study, key: str, tracks: pd.DataFrame, hashes: list[str | None]) -> Iterator[str]:
    """The paths of tracks of a mel store whose sound is another by now."""
    try:
        store = read_mel_store(sound_folder(study, key))
    except StudyError:  # which is said of the store itself
        return
    before = dict(zip(store.track_ids, store.content_hash, strict=True))
    for track_id, path, now in zip(tracks["track_id"], tracks["path"], hashes, strict=True):
        if track_id in before and before[track_id] != now:
            yield str(path)


def _labels(study: Study, prepared: Prepared, corpus: Corpus, afresh: bool) -> Iterator[Finding]:
    try:
        dropped = dropped_sound(study, prepared.corpus_sound)
    except StudyError:
        return
    tracks = corpus.tracks[~corpus.tracks["track_id"].isin(list(dropped))]
    training = training_split(study, tracks)
    if corpus_fingerprint(prepared.corpus_sound, training) != prepared.corpus_fingerprint:
        yield Finding("[corpus] tracks, validation, split_by", "other training tracks than were prepared", LEARNED)
        return
    tables = [source.file for source in study.sources.values() if source.file is not None]
    if afresh:
        content_hashes(tables, Paths(study.store).prepared / "labels" / HASHES, afresh=True)
    for name, source in study.sources.items():
        made_from = labels_fingerprint(
            study, name, corpus, list(tracks["track_id"]), training, prepared.corpus_fingerprint
        )
        if name not in prepared.sources:
            yield Finding(f"[sources.{name}]", "not prepared yet", "`study launch` prepares it")
        elif made_from != prepared.sources[name]:
            yield Finding(str(source.file), "not the table that labels were made from", LEARNED)


def _targets(study: Study, prepared: Prepared, inputs: Inputs) -> Iterator[Finding]:
    for name, data in inputs.targets.items():
        made = prepared.targets.get(name)
        if made is None:
            continue
        try:
            kept = without_tracks(data, dropped_sound(study, made.sound))
        except StudyError:
            continue
        if target_fingerprint(study, name, kept, made.sound) != made.fingerprint:
            tables = filter(None, (study.targets[name].tracks, study.targets[name].interactions))
            yield Finding(" or ".join(map(str, tables)), "not the table that runs are scored on", SCORED)
