"""The corpus that runs learn from: its tracks, their labels from each source, and which of them train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jobs.labels.label_models import label_model
from jobs.labels.tables import empty_text, faulty_rows, read_columns
from study.core.errors import Fault, InputFaults, raise_all
from study.core.paths import FILE_NAME
from study.core.run import study_seed_sequence
from study.core.sections import Source
from study.core.study_file import Study


@dataclass(frozen=True)
class Corpus:
    """`tracks` (track_id, path[, artist]) to learn from, by track_id; `labels` has one table per source except self.

    `unlabelled`: the number of listed tracks without a label, for each source; `use = "common"` leaves them out.
    """

    tracks: pd.DataFrame
    labels: Mapping[str, Any]
    unlabelled: Mapping[str, int]
    listed: int


def read_corpus(study: Study) -> Corpus:
    """Read the tables of the corpus and of every source. Raises InputFaults with the faults of all."""
    faults: list[Fault] = []
    tracks = pd.DataFrame()
    try:
        tracks = read_tracks(study)
    except InputFaults as error:
        faults += error.faults
    labels, of_labels = read_labels(study.sources)
    raise_all(faults + of_labels)
    has_label = {name: tracks["track_id"].isin(table.track_ids) for name, table in labels.items()}
    unlabelled = {name: int((~has).sum()) for name, has in has_label.items()}
    kept = tracks
    if study.corpus.use == "common" and has_label:
        kept = tracks[np.logical_and.reduce(list(has_label.values()))].reset_index(drop=True)
    if len(kept) < 4:
        lacking = ", ".join(f"{count} have no {name}" for name, count in unlabelled.items())
        raise InputFaults(
            [
                Fault(
                    str(study.corpus.tracks),
                    "track_id",
                    None,
                    f"{len(kept)} of {len(tracks)} tracks have labels from every source ({lacking}); "
                    "expected 4 or more",
                )
            ]
        )
    return Corpus(kept, labels, unlabelled, len(tracks))


def read_labels(sources: Mapping[str, Source]) -> tuple[dict[str, Any], list[Fault]]:
    """The readable table of each source except self, and the faults of all."""
    labels, faults = dict[str, Any](), list[Fault]()
    for name, source in sources.items():
        if source.labels != "self":
            try:
                labels[name] = label_model(str(source.labels)).read(source)
            except InputFaults as error:
                faults += error.faults
    return labels, faults


def training_split(study: Study, tracks: pd.DataFrame) -> np.ndarray:
    """Which tracks train (n_tracks,) bool; the rest validate. Random, by whole artists under `split_by = "artist"`."""
    rng = np.random.default_rng(study_seed_sequence(study, "training and validation"))
    n_validation = round(study.corpus.validation * len(tracks))
    units = tracks["artist" if study.corpus.split_by == "artist" else "track_id"].to_numpy()
    names, unit_of = np.unique(units, return_inverse=True)
    sizes = np.bincount(unit_of)
    order = rng.permutation(len(names))
    validating = order[np.cumsum(sizes[order]) <= n_validation]
    training = ~np.isin(unit_of, validating)
    if training.sum() < 2 or (n_validation and training.all()):
        expected = f"cannot split {len(names)} {study.corpus.split_by}s into training and validation"
        raise InputFaults([Fault(FILE_NAME, "[corpus] validation", study.corpus.validation, expected)])
    return training


def read_tracks(study: Study) -> pd.DataFrame:
    """The listed tracks (track_id, path[, artist]), by track_id. Raises InputFaults with the faults of their table."""
    path = study.corpus.tracks
    by_artist = study.corpus.split_by == "artist"
    table = read_columns(path, ("track_id", "path", *(["artist"] if by_artist else [])))
    faults = [fault for column in table.columns for fault in empty_text(path, table, column)]
    faults += faulty_rows(path, table, "track_id", table["track_id"].duplicated(), "expected each track only once")
    raise_all(faults)
    table["path"] = [str(Path(path).parent / sound) for sound in table["path"]]
    return table.sort_values("track_id", ignore_index=True)
