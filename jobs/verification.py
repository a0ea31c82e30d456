"""Every file of a store, compared with what was written: which are damaged, and what makes them again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from jobs.kept_representations import KEPT, KEPT_AGAIN, MADE_AGAIN, read_representation
from jobs.learning.representation import load_network
from jobs.prepared_data import (
    AGAIN,
    Prepared,
    corpus_path,
    labels_path,
    prepared_json,
    prepared_of,
    read_arrays,
    sound_folder,
)
from jobs.records import Trained, read_trained
from jobs.sound.mel_store import FRAMES, INDEX, SETTINGS, check_frames, read_mel_store
from study.core.digests import is_sealed, read, read_bytes, table_of
from study.core.errors import Damaged, Fault, InputFaults
from study.core.paths import Paths
from study.core.plan import PLAN_AGAIN
from study.core.run import Run
from study.core.study_file import Study
from study.core.valid_results import SET_ASIDE, checked_results, expected_results


@dataclass(frozen=True)
class Finding:
    """A file of the store or an input, what is wrong with it, and what makes it right."""

    file: str
    problem: str
    remedy: str


@dataclass
class Verified:
    """What was read and found. `unverified`: whole as far as one can see, but written before files had digests."""

    n_files: int = 0
    n_bytes: int = 0
    damaged: list[Finding] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)


def verify_files(study: Study, prepared: Prepared | None, runs: Iterable[Run]) -> Verified:
    """Read all that the runs and the study's prepared data consist of."""
    paths, verified = Paths(study.store), Verified()
    for path, parse, remedy in ((paths.plan, table_of, PLAN_AGAIN), (prepared_json(paths), prepared_of, AGAIN)):
        if os.path.lexists(path):
            _look(paths, verified, path, lambda path=path, parse=parse, remedy=remedy: read(path, parse, remedy))
    if prepared is not None and study.run is None:
        _verify_prepared(study, prepared, verified)
    runs = list(runs)
    for run in runs:
        _verify_run(study, run, verified)
    _verify_results(study, runs, {} if prepared is None else prepared.target_fingerprints, verified)
    return verified


def _verify_prepared(study: Study, prepared: Prepared, verified: Verified) -> None:
    paths = Paths(study.store)
    for key in dict.fromkeys((prepared.corpus_sound, *(target.sound for target in prepared.targets.values()))):
        folder = sound_folder(study, key)
        _look(paths, verified, folder / INDEX, lambda folder=folder: _all_frames(folder))
        for name in (SETTINGS, FRAMES):
            _count(verified, folder / name)
    arrays = [corpus_path(study, prepared.corpus_fingerprint)]
    arrays += [
        labels_path(study, name, of)
        for name, of in prepared.sources.items()
        if name in study.sources and study.sources[name].labels != "self"
    ]
    for path in arrays:
        _look(paths, verified, path, lambda path=path: read_arrays(path))


def _all_frames(folder: Path) -> None:
    store = read_mel_store(folder)
    if store.digests is not None:  # what this process has checked before counts for nothing
        digests = replace(store.digests, checked=np.zeros(len(store), dtype=bool))
        check_frames(replace(store, digests=digests), np.arange(len(store)))


def _verify_run(study: Study, run: Run, verified: Verified) -> None:
    paths = Paths(study.store)
    record = paths.trained(run.run_id)
    if not os.path.lexists(record):
        return
    trained = _look(paths, verified, record, lambda: read_trained(paths, run.run_id))
    has_weights = isinstance(trained, Trained) and trained.outcome == "ok" and trained.gives == "network"
    if has_weights and study.run is None and run.strategy != "MFCC":
        weights = paths.weights(run.run_id)
        _look(paths, verified, weights, lambda: load_network(weights))
    for path in sorted(paths.representations(run.run_id).glob("*.npy")):
        _look(paths, verified, path, lambda path=path: read_representation(path))
    for path in sorted(paths.representations(run.run_id).glob("*.parquet")):
        _look(paths, verified, path, lambda path=path: read(path, table_of, MADE_AGAIN))
    for name in study.targets:
        path = paths.target(run.run_id, name) / KEPT
        if os.path.lexists(path):
            _look(paths, verified, path, lambda path=path: read(path, table_of, KEPT_AGAIN))


def _verify_results(study: Study, runs: list[Run], fingerprints: dict[str, str], verified: Verified) -> None:
    paths = Paths(study.store)
    try:
        for checked in checked_results(paths, expected_results(study, runs, fingerprints)):
            _count(verified, checked.stored.path)
            if checked.fault is not None:
                problem = ": ".join(filter(None, (checked.fault.key, checked.fault.expected)))
                problem = problem.removesuffix(f"; {SET_ASIDE}")
                verified.damaged.append(Finding(_name(paths, checked.stored.path), problem, SET_ASIDE))
            elif not checked.is_verified:
                verified.unverified.append(_name(paths, checked.stored.path))
    except InputFaults as unreadable:
        verified.unreadable += [finding_of(fault) for fault in unreadable.faults]


def _look(paths: Paths, verified: Verified, path: Path, look: Callable[[], object]) -> object:
    """Read a file in the way of those who use it, and take down what that says of it."""
    try:
        found = look()
        sealed = is_sealed(read_bytes(path))
    except FileNotFoundError:
        verified.damaged.append(Finding(_name(paths, path), "missing", AGAIN))
    except Damaged as damaged:
        verified.damaged.append(Finding(_name(paths, damaged.path), damaged.why, damaged.remedy))
    except InputFaults as faults:
        verified.unreadable += [finding_of(fault) for fault in faults.faults]
    else:
        _count(verified, path)
        if not sealed:
            verified.unverified.append(_name(paths, path))
        return found
    return None


def _count(verified: Verified, path: Path) -> None:
    if path.is_file():
        verified.n_files += 1
        verified.n_bytes += path.stat().st_size


def finding_of(fault: Fault) -> Finding:
    problem, _, remedy = ": ".join(filter(None, (fault.key, fault.expected))).partition("; ")
    return Finding(fault.file, problem, remedy)


def _name(paths: Paths, path: Path) -> str:
    return str(path.relative_to(paths.store)) if paths.store in path.parents else str(path)
