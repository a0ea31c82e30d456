"""The tables of a study, read as far as possible, with all their faults."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from jobs.corpus import Corpus, read_corpus, read_labels, training_split
from jobs.source_labels import label_faults as label_model_faults
from jobs.targets.scoring import read_target, target_splits
from jobs.targets.splits import split_faults
from jobs.targets.track_labels import TargetData
from jobs.targets.unreadable_sound import lost_faults, without_tracks
from study.core.errors import Fault, InputFaults, distinct
from study.core.named_files import missing_files
from study.core.study_checks import not_launchable
from study.core.study_file import Study

CORPUS = ""
"""The name of the corpus among sets of sounds; the others are named by their targets."""


@dataclass(frozen=True)
class Inputs:
    """What could be read: the corpus (None if unreadable), the targets by name, and every fault."""

    corpus: Corpus | None
    targets: Mapping[str, TargetData]
    faults: tuple[Fault, ...]

    @property
    def sounds(self) -> dict[str, pd.DataFrame]:
        """The sets of sounds, `track_id, path`: the corpus's under `CORPUS`, each target's under its name."""
        of_corpus = {} if self.corpus is None else {CORPUS: self.corpus.tracks}
        return of_corpus | {
            name: pd.DataFrame({"track_id": data.track_ids, "path": list(map(str, data.paths))})
            for name, data in self.targets.items()
        }


def read_inputs(study: Study) -> Inputs:
    """Read the corpus and the targets. `study` may lack faulty sections (`read_sections`)."""
    if study.run is not None:
        return Inputs(None, {}, ())
    missing = missing_files(study)
    faults = not_launchable(study) + missing
    absent = {str(fault.value) for fault in missing}
    corpus, targets = None, {}
    if "corpus" in study.model_fields_set:
        try:
            corpus = read_corpus(study)
            faults += label_faults(study, corpus)
        except InputFaults as error:
            faults += error.faults
    else:
        faults += read_labels(study.sources)[1]
    for name, target in study.targets.items():
        if target.source is not None:  # made of the corpus and a source, which are read by themselves
            continue
        try:
            targets[name] = read_target(target, name)
            if "header" in study.model_fields_set:
                target_splits(targets[name], target, study.seed, name)
        except InputFaults as error:
            faults += error.faults
    return Inputs(corpus, targets, tuple(distinct(fault for fault in faults if fault.file not in absent)))


def label_faults(study: Study, corpus: Corpus) -> Iterator[Fault]:
    """Why a source's label model cannot be fitted to its training tracks, if it cannot.

    Raises InputFaults if the corpus cannot be split.
    """
    if "header" not in study.model_fields_set:  # the split needs its seed
        return
    yield from label_model_faults(study, corpus, training_split(study, corpus.tracks))


def on_broken(study: Study, name: str) -> str:
    """The setting for unreadable sounds of this set: "stop" or "drop"."""
    return study.corpus.on_broken if name == CORPUS else study.targets[name].on_broken


def readable_target(
    study: Study, name: str, listed: TargetData, dropped: Collection[str]
) -> tuple[TargetData, list[Fault]]:
    """The target without the tracks in `dropped`, and why the rest cannot be used, if it cannot."""
    target, kept = study.targets[name], without_tracks(listed, dropped)
    faults = list(lost_faults(listed, kept)) or list(split_faults(kept, target))
    if not faults and "header" in study.model_fields_set:
        try:
            target_splits(kept, target, study.seed, name)
        except InputFaults as error:
            faults += error.faults
    return kept, faults
