"""A source's labels, made from its table if missing or stale, and how much of the table's information they keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from jobs.corpus import Corpus
from jobs.fingerprints import fingerprint
from jobs.labels.information import kept_information
from jobs.labels.label_models import label_model
from jobs.labels.levels import LevelTable
from jobs.labels.plsa import PlsaModel, top_terms
from jobs.labels.tables import ScalarTable, TermTable
from jobs.prepared_data import labels_path, save_arrays, topics_path, whole_arrays
from jobs.sound.content_hashes import HASHES, content_hashes
from study.core.content import csv_bytes
from study.core.errors import Fault
from study.core.extensions import SOURCES, extensions
from study.core.paths import Paths
from study.core.progress import Tell
from study.core.run import study_seed_sequence
from study.core.sections import LABELS, Source
from study.core.study_file import Study
from study.core.writing import write_whole

LITTLE = 0.1
"""A warning is given for labels that keep less than this fraction of their table's information."""


@dataclass(frozen=True)
class SourceLabels:
    """A fingerprint of what the labels were made from, and the fraction of their table's information that they keep
    (None for `self`, which has no table, and for numbers)."""

    fingerprint: str
    kept: float | None = None


def label_faults(study: Study, corpus: Corpus, training: np.ndarray) -> Iterator[Fault]:
    """Why a source's label model cannot be fitted to the training tracks, checked before any sound is read."""
    track_ids = list(corpus.tracks["track_id"])
    for name, source in study.sources.items():
        if source.labels != "self":
            table, labelled = _labelled(corpus, name, track_ids)
            model_of = label_model(str(source.labels))
            factors = model_of.factors(source, table, training[labelled])
            yield from model_of.faults(table, training[labelled], factors)


def prepare_labels(
    study: Study,
    name: str,
    corpus: Corpus,
    track_ids: list[str],
    training: np.ndarray,
    of_corpus: str,
    tell: Tell,
) -> SourceLabels:
    """Fit the source's label model to training tracks and store every track's labels, unless done already."""
    source, made_from = study.sources[name], labels_fingerprint(study, name, corpus, track_ids, training, of_corpus)
    if source.labels == "self":
        return SourceLabels(made_from)
    model_of = label_model(str(source.labels))
    table, labelled = _labelled(corpus, name, track_ids)
    trains = training[labelled]
    factors = model_of.factors(source, table, trains)
    path = labels_path(study, name, made_from)
    arrays = whole_arrays(path, tell)
    if arrays is None:
        tell(f"labels: {name}, {factors} factors ({source.labels})")
        rng = np.random.default_rng(study_seed_sequence(study, f"labels of {name}"))
        model = model_of.fit(table, trains, factors, rng)
        distribution = np.full((len(track_ids), factors), np.nan, dtype=np.float32)
        distribution[labelled] = model_of.distribution(model, table)
        without = int(np.isnan(distribution[labelled]).any(axis=1).sum())
        if without:
            what = "terms" if isinstance(table, TermTable) else "levels"
            tell(f"labels: {without} tracks have none of the {factors} {what} of {name} and are not used to learn it")
        if isinstance(model, PlsaModel):
            _write_topics(study, name, made_from, model)
        arrays = {"distribution": distribution}
        save_arrays(path, **arrays)
    values = table.values[trains] if isinstance(table, ScalarTable | LevelTable) else None
    made = arrays["distribution"][labelled][trains]
    are_shares = made.shape[1] > 1 and not (made < 0).any()
    return SourceLabels(made_from, kept_information(made, values) if are_shares else None)


def labels_fingerprint(
    study: Study, name: str, corpus: Corpus, track_ids: list[str], training: np.ndarray, of_corpus: str
) -> str:
    """A hash of what a source's labels are made from: the corpus, the table, and the label model."""
    source = study.sources[name]
    if source.labels == "self":
        return fingerprint(of_corpus, "self")
    model_of = label_model(str(source.labels))
    table, labelled = _labelled(corpus, name, track_ids)
    trains = training[labelled]
    revised = ["revised"] if model_of.revised(table, trains, model_of.factors(source, table, trains)) else []
    files = [] if source.file is None else [source.file]
    hashes = content_hashes(files, Paths(study.store).prepared / "labels" / HASHES)
    ours = source.labels in LABELS
    packages = [] if ours else [str(one) for one in extensions(SOURCES) if one.name == source.labels]
    return fingerprint(of_corpus, source.label_settings(), study.seed, *hashes, *revised, *packages)


def on_kept_information(study: Study, made: Mapping[str, SourceLabels]) -> Iterator[str]:
    """A line on how much of its table each source's labels keep, and warnings for those that keep hardly any."""
    kept = {name: labels.kept for name, labels in made.items() if labels.kept is not None}
    if kept:
        yield "labels: information kept, " + ", ".join(f"{name} {100 * part:.3g} %" for name, part in kept.items())
    for name, part in kept.items():
        if part < LITTLE:
            yield (
                f"warning: the labels of {name} keep {100 * part:.2g} % of the information that they could hold, so "
                f"networks can learn little from them; {_advice(study.sources[name])}"
            )


def _advice(source: Source) -> str:
    return {
        "gmm": 'try labels = "ordinal" or "classes", or a `resolution` below the gaps between values',
        "plsa": "try another number of `factors`, or tf_idf = true",
    }.get(source.labels, "nearly all tracks have the same labels")


def _labelled(corpus: Corpus, name: str, track_ids: list[str]) -> tuple[Any, np.ndarray]:
    """A source's table cut to `track_ids`, and which of the tracks have a label, (n_tracks,) bool."""
    present = set(corpus.labels[name].track_ids)
    labelled = np.array([track_id in present for track_id in track_ids])
    return corpus.labels[name].select([track_id for track_id in track_ids if track_id in present]), labelled


def _write_topics(study: Study, name: str, made_from: str, model: PlsaModel) -> None:
    topics = pd.DataFrame(top_terms(model)).rename(columns=lambda rank: f"term_{rank + 1}")
    topics.insert(0, "topic", range(1, len(topics) + 1))
    write_whole(topics_path(study, name, made_from), csv_bytes(topics))
