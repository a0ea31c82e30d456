"""Clean: what of a store no plan uses, and removing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from study.core.errors import RunFailed, some
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.results import stored_results
from study.core.run import baseline_runs
from study.core.study_file import Study
from study.core.valid_results import expected_results
from study.core.writing import remove, remove_folder
from study.workflow.quick import FOLDER
from study.workflow.store_sizes import folder_bytes


@dataclass(frozen=True)
class Stale:
    """A file or folder that no plan uses, its size, and why it is here."""

    path: Path
    n_bytes: int
    why: str


def stale_files(study: Study) -> list[Stale]:
    """What is neither of the plan's runs and the baselines, nor of what `prepare` has made for the study as it is.

    Raises InputFaults if there is no plan of this study file, or nothing is prepared: then one cannot say.
    """
    from jobs.prepared_data import read_prepared

    paths, prepared = Paths(study.store), read_prepared(study)
    runs = baseline_runs(study) + read_plan(paths.plan, study)
    planned = {run.run_id for run in runs}
    found = [
        (path, why)
        for folder, why in ((paths.runs, "a run outside the plan"), (paths.results, "scores of such a run"))
        for path in _folders(folder)
        if path.name not in planned
    ]
    expected = expected_results(study, runs, prepared.target_fingerprints)
    found += [
        (stored.path, "scores on an earlier version of a target")
        for stored in stored_results(paths)
        if stored.run_id in planned and stored.path not in expected
    ]
    found += [
        (path, "set aside as damaged")
        for run_id in sorted(planned)
        for folder in (paths.run(run_id), paths.results / run_id)
        for path in _set_aside(folder)
    ]
    found += _unused_of_prepared(study)
    found += [(paths.store / FOLDER, "the store of a trial (`launch --quick`)")] * (paths.store / FOLDER).is_dir()
    return [Stale(path, _size(path), why) for path, why in found]


def remove_stale(stale: Iterable[Stale]) -> None:
    """Delete what is listed. Raises RunFailed naming what could not be deleted."""
    stale = list(stale)
    for one in stale:
        (remove_folder if one.path.is_dir() and not one.path.is_symlink() else remove)(one.path)
    left = [str(one.path) for one in stale if one.path.exists()]
    if left:
        raise RunFailed(f"could not be removed: {some(left)}")


def _unused_of_prepared(study: Study) -> Iterator[tuple[Path, str]]:
    """Mel stores, labels and arrays of earlier versions of the study's data and settings."""
    from jobs.prepared_data import corpus_path, labels_path, read_prepared, sound_folder, topics_path

    prepared, folder = read_prepared(study), Paths(study.store).prepared
    keys = {prepared.corpus_sound, *(target.sound for target in prepared.targets.values())}
    used = {sound_folder(study, key) for key in keys} | {corpus_path(study, prepared.corpus_fingerprint)}
    used |= {of(study, name, made) for name, made in prepared.sources.items() for of in (labels_path, topics_path)}
    there = [
        *_folders(folder / "sound"),
        *folder.glob("corpus-*.npz"),
        *folder.glob("labels/*.npz"),
        *folder.glob("labels/*-topics.csv"),
    ]
    yield from ((path, "prepared from earlier data or settings") for path in sorted(there) if path not in used)


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder; not those that somebody is writing."""
    return sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith("."))


def _set_aside(folder: Path) -> list[Path]:
    return sorted(path for pattern in ("*.damaged", "*.invalid") for path in folder.rglob(pattern))


def _size(path: Path) -> int:
    return folder_bytes(path) if path.is_dir() else path.stat().st_size
