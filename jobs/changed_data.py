"""Which of the data that runs were trained on have changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

from jobs.corpus import Corpus, training_split
from jobs.fingerprints import corpus_fingerprint, fingerprint, sound_key
from jobs.learner_weights import hashes_of_weights
from jobs.prepared_data import AGAIN, sound_folder
from jobs.records import known_training
from jobs.sound.mel_store import INDEX
from jobs.source_labels import labels_fingerprint
from study.core.columns import source_column
from study.core.digests import read, table_of
from study.core.errors import some
from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study

Change = tuple[str, str]
"""The key of the study file for the changed data, and what has changed."""


def changes_since_training(
    study: Study, corpus: Corpus, hash_of: Mapping[str, str | None], dropped: Collection[str], runs: Iterable[Run]
) -> Counter[Change]:
    """The changes since runs were trained, each with the number of `runs` that it affects.

    `hash_of` has the content hash of each path in the corpus; `dropped` are the tracks whose sound cannot be read.
    """
    tracks = corpus.tracks
    sound = sound_key(study, tracks["track_id"], tracks["path"].map(hash_of))
    tracks = tracks[~tracks["track_id"].isin(dropped)]
    now = dict(zip(tracks["track_id"], tracks["path"].map(hash_of), strict=True))
    track_ids, training = list(tracks["track_id"]), training_split(study, tracks)
    of_corpus = corpus_fingerprint(sound, training)

    @cache
    def made_from(name: str, of_corpus: str) -> str:
        return labels_fingerprint(study, name, corpus, track_ids, training, of_corpus)

    counts: Counter[Change] = Counter()
    weights = hashes_of_weights(study)
    for run in runs:
        trained = known_training(Paths(study.store), run.run_id)
        labels = (made_from(name, of_corpus) for name in run.sources)
        learner = study.training_of(run.factors).learner
        read = [weights[learner]] if learner in weights and not run.is_baseline else []
        if trained is None or trained.data_fingerprint == fingerprint(of_corpus, *labels, *read):
            continue
        then = trained.made_from
        if not then:
            counts["[corpus], [sources]", "something (an earlier version did not record which part)"] += 1
            continue
        counts.update(_of_corpus(study, then, sound, of_corpus, now))
        for name in run.sources:
            if then[source_column(name)] != made_from(name, then["corpus"]):
                counts[f"[sources.{name}] table", study.sources[name].file.name] += 1
        if then.get("learner", "") != "".join(read):
            counts[f"[learners.{learner}] weights", f"the file that learner {learner!r} reads"] += 1
    return counts


def _of_corpus(
    study: Study, then: Mapping[str, str], sound: str, of_corpus: str, now: Mapping[str, str | None]
) -> Iterator[Change]:
    """Changes of the sound of tracks, of the list of tracks, of their conversion, or of their split."""
    if then["sound"] == sound:
        if then["corpus"] != of_corpus:
            yield "[corpus] validation, split_by", "the training tracks"
        return
    index = sound_folder(study, then["sound"]) / INDEX
    if not index.is_file():
        yield "[corpus]", "its sound (there is no record of which files)"
        return
    before = read(index, table_of, AGAIN).to_pandas().set_index("track_id")["content_hash"].to_dict()
    changed = [track_id for track_id in before if track_id in now and before[track_id] != now[track_id]]
    added, gone = [name for name in now if name not in before], [name for name in before if name not in now]
    for track_ids, what in ((changed, "the sound of"), (added, "added"), (gone, "removed")):
        if track_ids:
            yield "[corpus] tracks", f"{what} {some(track_ids)}"
    if not (changed or added or gone):
        yield "[corpus] sample_rate_hz, channels", "the conversion of sound"
