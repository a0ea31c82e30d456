"""The files that a study file names, and those of them that are missing."""

from __future__ import annotations

from pathlib import Path

from study.core.errors import Fault, nearest
from study.core.paths import FILE_NAME
from study.core.study_file import Study


def named_files(study: Study) -> list[tuple[str, Path]]:
    """The files that the study names, each with its key. `study` may lack faulty sections."""
    named: list[tuple[str, Path | None]] = []
    if "corpus" in study.model_fields_set:
        named.append(("[corpus] tracks", study.corpus.tracks))
    for name, source in study.sources.items():
        named += [(f"[sources.{name}] table", source.table), (f"[sources.{name}] path", source.path)]
    for name, target in study.targets.items():
        named += [(f"[targets.{name}] tracks", target.tracks), (f"[targets.{name}] interactions", target.interactions)]
    named += [(f"[learners.{name}] weights", learner.weights) for name, learner in study.learners.items()]
    return [(key, path) for key, path in named if path is not None]


def missing_files(study: Study) -> list[Fault]:
    """A fault for every missing file that the study names."""
    faults = []
    for key, path in named_files(study):
        if not path.is_file():
            siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            faults.append(Fault(FILE_NAME, key, str(path), "no such file", nearest(path.name, siblings)))
    return faults
