"""Warnings about tables and sound: missing labels and sound, leakage, a single target, a dominant class."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from study.core.errors import Caution, some
from study.core.named_files import named_files
from study.core.study_file import Study

if TYPE_CHECKING:
    from jobs.changed_data import Change
    from jobs.checked_sound import Dropped
    from jobs.corpus import Corpus
    from jobs.inputs import Inputs
    from jobs.targets.track_labels import TargetData


ONE_TARGET = (
    "only one target: runs are trained and scored, but `study analyze` fits no model, since its models estimate how "
    "effects vary between targets; it needs two or more"
)


def unlabelled_cautions(study: Study, corpus: Corpus) -> Iterator[Caution]:
    """Tracks of the corpus without a label, for each source."""
    common = study.corpus.use == "common"
    then = 'are left out for every source ([corpus] use = "common")' if common else "are not used to learn it"
    for name, count in corpus.unlabelled.items():
        if count:
            yield Caution(f"[sources.{name}]", f"{count} of {corpus.listed} tracks have no label and {then}")


def separator_cautions(study: Study) -> Iterator[Caution]:
    """CSV tables that are not separated by commas, but are read all the same."""
    from jobs.labels.tables import SEPARATORS, separator_of

    for key, path in named_files(study):
        with contextlib.suppress(OSError, UnicodeDecodeError):  # reading the table reports that as a fault
            if path.suffix.lower() == ".csv" and (separator := separator_of(path)) != ",":
                yield Caution(key, f"{path.name} is read as separated by {SEPARATORS[separator]}")


def dropped_cautions(inputs: Inputs, dropped: Dropped) -> Iterator[Caution]:
    """Sound that `on_broken = "drop"` leaves out; `dropped` has the reason for each track of each set of sounds."""
    for name, reasons in dropped.items():
        if reasons:
            key = f"[targets.{name}] on_broken" if name else "[corpus] on_broken"
            named = some([f"{track_id} ({reason})" for track_id, reason in reasons.items()])
            message = f'"drop" leaves out {len(reasons)} of {len(inputs.sounds[name])} clips that cannot be read'
            yield Caution(key, f"{message}: {named}")


def leakage_cautions(inputs: Inputs, dropped: Dropped, hash_of: Mapping[str, str | None]) -> Iterator[Caution]:
    """Targets that share sound with the corpus; `hash_of` has the content hash of each path."""
    if inputs.corpus is None:
        return
    of_corpus = inputs.corpus.tracks
    of_corpus = of_corpus[~of_corpus["track_id"].isin(dropped.get("", {}))]
    track_of = dict(zip(of_corpus["path"].map(hash_of), of_corpus["track_id"], strict=True))
    for name, sounds in inputs.sounds.items():
        if not name:
            continue
        shared = [
            f"{track_id} is {track_of[hash_of[path]]}"
            for track_id, path in zip(sounds["track_id"], sounds["path"], strict=True)
            if hash_of[path] in track_of
        ]
        if shared:
            message = f"{len(shared)} of {len(sounds)} clips have the content of clips of [corpus] ({some(shared, 3)})"
            yield Caution(f"[targets.{name}] tracks", f"{message}: scores on training data are too optimistic")


def target_cautions(study: Study, targets: Mapping[str, TargetData]) -> Iterator[Caution]:
    """A single target; and, for each classification target, the accuracy of always predicting the largest class."""
    if len(study.targets) == 1:
        yield Caution("[targets]", ONE_TARGET)
    for name, data in targets.items():
        if data.task == "classification" and data.labels is not None:
            classes, counts = np.unique(data.labels, return_counts=True)
            largest, share = classes[counts.argmax()], counts.max() / counts.sum()
            message = (
                f"the largest of {len(classes)} classes, {largest}, has {100 * share:.0f} % of {counts.sum()} tracks"
            )
            yield Caution(f"[targets.{name}]", f"{message}: always predicting it gives an accuracy of {share:.2f}")


def changed_cautions(changes: Mapping[Change, int]) -> Iterator[Caution]:
    """Data that has changed since runs were trained on it, and the number of such runs."""
    for (key, what), count in changes.items():
        runs = "1 trained run" if count == 1 else f"{count} trained runs"
        yield Caution(
            key,
            f"{what}: changed since {runs} learned from it, so `study launch` will refuse; restore it, "
            "or give the changed study another [study] store",
        )
