"""Of which data something was made: hashes by which a change of the sound, the labels or a target is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from study.core.extensions import TARGETS, extensions
from study.core.sections import METRICS
from study.core.study_file import Study

if TYPE_CHECKING:
    from jobs.targets.track_labels import TargetData


def sound_key(study: Study, track_ids: Iterable[str], hashes: Iterable[str | None]) -> str:
    """A hash of a set of sounds, of their content and of what else their mel store depends on."""
    settings = (study.mel.model_dump_json(), study.corpus.sample_rate_hz, study.corpus.channels)
    return fingerprint(*settings, *track_ids, *hashes)


def corpus_fingerprint(sound: str, training: np.ndarray) -> str:
    """Of the corpus's sound by its key, and of which tracks train (n_tracks,) bool."""
    return fingerprint(sound, training.tobytes().hex())


def target_fingerprint(study: Study, name: str, data: TargetData, sound: str) -> str:
    """A hash of all that a target's scores depend on, except the representation: labels, sound, splits and probe.

    Evaluation factors and how networks are trained on it enter only in studies that have them, so that other
    fingerprints stay.
    """
    target = study.targets[name]
    plays = () if data.plays is None else (data.plays.indptr, data.plays.indices, data.plays.data)
    arrays = (data.labels, data.groups, data.in_test, *plays)
    content = hashlib.sha256()
    for array in arrays:
        content.update(b"none" if array is None else str(array.dtype).encode() + np.ascontiguousarray(array).tobytes())
    ours = target.task in METRICS
    evaluation: list[object] = [] if ours else [str(one) for one in extensions(TARGETS) if one.name == target.task]
    if study.evaluation_factors:
        trains = data.labels is not None and "transfer" in study.evaluation_factors
        evaluation += [study.evaluation_factors, study.fine_tuning.model_dump(mode="json") if trains else None]
    return fingerprint(
        target.identity(),
        sorted(target.metric_names),
        data.track_ids,
        sound,
        study.seed,
        content.hexdigest(),
        *evaluation,
    )


def fingerprint(*parts: object) -> str:
    """16 hexadecimal digits of the parts' canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
