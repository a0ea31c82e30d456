"""Every sound of a study, decoded and hashed: which sounds cannot be read, and what that means for the study."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from jobs.inputs import CORPUS, Inputs, label_faults, on_broken, readable_target
from jobs.sound.content_hashes import HASHES, content_hashes
from jobs.sound.decode import sound_faults
from study.core.errors import Fault, InputFaults
from study.core.paths import Paths
from study.core.study_file import Study

Dropped = Mapping[str, Mapping[str, str]]
"""For each set of sounds (`Inputs.sounds`): the tracks that `on_broken = "drop"` leaves out, and why."""


def check_sound(study: Study, inputs: Inputs, workers: int = 1) -> tuple[Dropped, list[Fault]]:
    """Decode every sound once; return what is left out, and the faults of required sounds and of what is left."""
    broken = {fault.file: fault for fault in sound_faults(_paths(inputs), workers)}
    dropped: dict[str, dict[str, str]] = {}
    faults: list[Fault] = []
    for name, tracks in inputs.sounds.items():
        unread = [(row.track_id, broken[row.path]) for row in tracks.itertuples() if row.path in broken]
        if on_broken(study, name) == "drop" and len(unread) < len(tracks):
            dropped[name] = {track_id: str(fault.value) for track_id, fault in unread}
            faults += _faults_without(study, inputs, name, dropped[name])
        else:
            faults += [fault for _, fault in unread]
    return dropped, faults


def content_of(study: Study, inputs: Inputs, workers: int = 1) -> dict[str, str | None]:
    """The content hash of every sound by path, cached in the store for `prepare`."""
    paths = list(_paths(inputs))
    return dict(zip(paths, content_hashes(paths, Paths(study.store).prepared / "sound" / HASHES, workers), strict=True))


def _paths(inputs: Inputs) -> dict[str, None]:
    return dict.fromkeys(path for tracks in inputs.sounds.values() for path in tracks["path"])


def _faults_without(study: Study, inputs: Inputs, name: str, dropped: Collection[str]) -> Iterator[Fault]:
    """Why the corpus or a target cannot be used without these tracks, if it cannot."""
    if not dropped:
        return
    if name != CORPUS:
        yield from readable_target(study, name, inputs.targets[name], dropped)[1]
    elif inputs.corpus is not None:
        tracks = inputs.corpus.tracks
        try:
            yield from label_faults(study, replace(inputs.corpus, tracks=tracks[~tracks["track_id"].isin(dropped)]))
        except InputFaults as error:
            yield from error.faults
