"""The files that learners read: their content is part of what a run's weights come from."""

from __future__ import annotations

from jobs.sound.content_hashes import content_hash
from study.core.study_file import Study


def hashes_of_weights(study: Study) -> dict[str, str]:
    """The hash of the weights of each learner for which the study file names some; "" of a file that is not there."""
    return {name: hash_of_weights(study, name) for name, of in study.learners.items() if of.weights is not None}


def hash_of_weights(study: Study, name: str) -> str:
    """As `hashes_of_weights`, of one learner that has weights."""
    path = study.learners[name].weights
    assert path is not None
    return content_hash(path) or ""
