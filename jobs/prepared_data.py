"""What `prepare` has made, as the steps of a run read it. Imports little: commands that only look do, too."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jobs.fingerprints import fingerprint, target_fingerprint
from study.core.columns import source_column
from study.core.content import npz_bytes
from study.core.digests import facts_of, read, read_needed, sealed
from study.core.errors import Damaged, Fault, InputFaults
from study.core.learners import BASE
from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study
from study.core.writing import write_whole

if TYPE_CHECKING:
    from jobs.sound.mel_store import MelStore
    from jobs.targets.track_labels import TargetData


CHANGED = (
    "changed since `study prepare` read it, so nothing is scored with it; restore it and launch again, or launch again "
    "to score what it holds now"
)
"""What is expected of an input that a step reads again."""
AGAIN = "`study prepare` makes it again"
"""The remedy for what is prepared."""


@dataclass(frozen=True)
class PreparedTarget:
    """A target's mel store by its key, the fingerprint that its results carry, and what it is.

    `n_classes` is None but for classifications. Records of earlier versions do not say it, nor how it is `split`.
    """

    sound: str
    fingerprint: str
    n_tracks: int
    n_classes: int | None = None
    split: str = ""


@dataclass(frozen=True)
class Prepared:
    """What `prepare` has made for the study as it is now. `sources` holds a fingerprint for each."""

    corpus_sound: str
    corpus_fingerprint: str
    n_training: int
    n_validation: int
    sources: Mapping[str, str]
    targets: Mapping[str, PreparedTarget]
    learner: str = BASE
    """The learner of runs for which no factor says another."""
    learners: Mapping[str, str] = field(default_factory=dict)
    """Learner -> the hash of the weights that the study file names for it, if it does."""

    def fingerprint_of(self, run: Run) -> str:
        """The data that a run's weights come from: the corpus, the labels of its sources, what its learner reads."""
        sources = (self.sources[name] for name in run.sources)
        return fingerprint(self.corpus_fingerprint, *sources, *self._of_learner(run).values())

    def _of_learner(self, run: Run) -> dict[str, str]:
        name = str(run.factors.get("learner", self.learner))
        return {} if run.is_baseline or name not in self.learners else {"learner": self.learners[name]}

    @property
    def target_fingerprints(self) -> dict[str, str]:
        """Of each target, by name."""
        return {name: target.fingerprint for name, target in self.targets.items()}

    def made_from(self, run: Run) -> dict[str, str]:
        """The same in parts, so that a change can be named later: `sound`, `corpus`, `source.<name>` of each, and
        `learner`."""
        sources = {source_column(name): self.sources[name] for name in run.sources}
        return {"sound": self.corpus_sound, "corpus": self.corpus_fingerprint, **sources, **self._of_learner(run)}


@dataclass(frozen=True)
class CorpusArrays:
    """What training reads beside the mel store: which tracks train, and the statistics of their bands in dB."""

    training: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def read_prepared(study: Study) -> Prepared:
    """What `prepare` made last, of the targets that the study still has.

    Raises InputFaults if it has not run, or if its record is damaged or unreadable.
    """
    if study.run is not None:
        return prepared_for_function(study)
    path = prepared_json(Paths(study.store))
    try:
        prepared = read(path, prepared_of, AGAIN)
    except FileNotFoundError:
        raise InputFaults([Fault(str(path), "", None, "not prepared yet; run `study prepare`")]) from None
    except Damaged as damaged:  # before any work: the command has not begun
        raise InputFaults([Fault(str(path), "", None, f"damaged, {damaged.why}; {damaged.remedy}")]) from None
    return replace(prepared, targets={name: at for name, at in prepared.targets.items() if name in study.targets})


def prepared_of(content: bytes) -> Prepared:
    """The record of what is prepared, from the content of its file."""
    raw = facts_of(content)
    targets = {name: PreparedTarget(**target) for name, target in raw.pop("targets").items()}
    return Prepared(**raw, targets=targets)


def prepared_for_function(study: Study) -> Prepared:
    """Where runs are a function there is nothing to prepare; a target's results carry the hash of its metrics."""
    fingerprints = {
        name: fingerprint(target.identity(), sorted(target.metric_names)) for name, target in study.targets.items()
    }
    targets = {name: PreparedTarget("", of_target, 0) for name, of_target in fingerprints.items()}
    return Prepared("", "", 0, 0, dict.fromkeys(study.sources, ""), targets)


def open_sound(study: Study, key: str) -> MelStore:
    from jobs.sound.mel_store import read_mel_store  # imports torch, which status and design do without

    return read_mel_store(sound_folder(study, key))


def dropped_sound(study: Study, key: str) -> dict[str, str]:
    """The tracks that a mel store was made without, by id, and why each could not be read."""
    return read_needed(sound_folder(study, key) / "store.json", facts_of, AGAIN)["dropped"]


def open_target(study: Study, name: str, target: PreparedTarget) -> TargetData:
    """A target's tracks as every run is evaluated on them: those whose sound could be read.

    Raises InputFaults naming the tables if they no longer hold what the target's fingerprint was made of: scores of
    what is returned belong under that fingerprint.
    """
    from jobs.targets.scoring import read_target  # imports scikit-learn
    from jobs.targets.unreadable_sound import without_tracks

    if study.targets[name].source is None:
        data = without_tracks(read_target(study.targets[name], name), dropped_sound(study, target.sound))
    else:
        data = _open_held_out(study, name)
    if target_fingerprint(study, name, data, target.sound) != target.fingerprint:
        tables = filter(None, (study.targets[name].tracks, study.targets[name].interactions))
        raise InputFaults([Fault(" or ".join(map(str, tables)), "", None, CHANGED)])
    return data


def _open_held_out(study: Study, name: str) -> TargetData:
    """A target of a source, from what is prepared of the corpus."""
    from jobs.corpus import read_tracks
    from jobs.targets.held_out import held_out_target

    prepared = read_prepared(study)
    store, arrays = open_sound(study, prepared.corpus_sound), open_corpus_arrays(study, prepared)
    tracks = read_tracks(study)
    path_of = dict(zip(tracks["track_id"], tracks["path"], strict=True))
    labels = open_labels(study, prepared, str(study.targets[name].source))
    return held_out_target(study, name, store.track_ids, path_of, arrays.training, labels)


def sound_left_out(study: Study, prepared: Prepared) -> dict[str, int]:
    """How many clips of `[corpus]` and of each target are left out, since they cannot be read; none is not named."""
    keys = {"[corpus]": prepared.corpus_sound} | {
        f"[targets.{name}]": at.sound for name, at in prepared.targets.items()
    }
    counts = {name: len(dropped_sound(study, key)) for name, key in keys.items()}
    return {name: count for name, count in counts.items() if count}


def open_corpus_arrays(study: Study, prepared: Prepared) -> CorpusArrays:
    return CorpusArrays(**read_arrays(corpus_path(study, prepared.corpus_fingerprint)))


def open_labels(study: Study, prepared: Prepared, source: str) -> np.ndarray:
    """Distribution over the source's factors (n_tracks, factors), float32; a row of NaN where a track has no label."""
    return read_arrays(labels_path(study, source, prepared.sources[source]))["distribution"]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name. Raises Damaged, also if they are missing, and InputFaults if the file cannot be read at all."""

    def parse(content: bytes) -> dict[str, np.ndarray]:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)

    return read_needed(path, parse, AGAIN)


def whole_arrays(path: Path, tell: Callable[[str], None]) -> dict[str, np.ndarray] | None:
    """As `read_arrays`, but None of arrays that are missing, or damaged, which is said: they are to be made."""
    if not path.exists():
        return None
    try:
        return read_arrays(path)
    except Damaged as damaged:
        tell(f"{damaged.path}: damaged, {damaged.why}; it is made again")
        return None


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays by name, whole or not at all."""
    write_whole(path, sealed(npz_bytes(**arrays)))


def prepared_json(paths: Paths) -> Path:
    return paths.prepared / "prepared.json"


def sound_folder(study: Study, key: str) -> Path:
    return Paths(study.store).prepared / "sound" / key


def corpus_path(study: Study, corpus_fingerprint: str) -> Path:
    return Paths(study.store).prepared / f"corpus-{corpus_fingerprint}.npz"


def labels_path(study: Study, source: str, source_fingerprint: str) -> Path:
    return Paths(study.store).prepared / "labels" / f"{source}-{source_fingerprint}.npz"


def topics_path(study: Study, source: str, source_fingerprint: str) -> Path:
    return Paths(study.store).prepared / "labels" / f"{source}-{source_fingerprint}-topics.csv"
