"""How many bytes a store holds of what."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from study.core.paths import WEIGHTS, Paths
from study.core.study_file import Study
from study.workflow.quick import FOLDER

OF_RUNS = {
    "checkpoints": "checkpoints",
    "representations": "representations",
    "targets": "predictions",
    WEIGHTS: "weights",
}


def store_sizes(study: Study) -> dict[str, int]:
    """Bytes of mel spectrograms, labels, weights and so on; what there is none of is left out."""
    paths = Paths(study.store)
    sound = paths.prepared / "sound"
    sizes = {
        "mel spectrograms": folder_bytes(sound),
        "labels": folder_bytes(paths.prepared, sound),
        **dict.fromkeys((*OF_RUNS.values(), "records"), 0),
        "scores": folder_bytes(paths.results),
        "reports": sum(map(folder_bytes, (paths.report, paths.design, paths.power))),
        "trials": folder_bytes(paths.store / FOLDER),
    }
    for run in _entries(paths.runs):
        for entry in _entries(run.path) if run.is_dir(follow_symlinks=False) else ():
            sizes[OF_RUNS.get(entry.name, "records")] += _bytes(entry)
    return {name: n_bytes for name, n_bytes in sizes.items() if n_bytes}


def folder_bytes(folder: Path | str, without: Path | None = None) -> int:
    """The bytes of all files in a folder and below it; 0 if it is not there."""
    return sum(_bytes(entry) for entry in _entries(folder) if without is None or entry.path != str(without))


def _bytes(entry: os.DirEntry[str]) -> int:
    if entry.is_dir(follow_symlinks=False):
        return folder_bytes(entry.path)
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # a sweep has just moved it
        return 0


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
