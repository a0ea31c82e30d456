"""The files that learners read: their content is part of what a run's weights come from."""

from __future__ import annotations

from jobs.sound.content_hashes import content_hash
from study.core.study_file import Study


def hashes_of_weights(study: Study) -> dict[str, str]:
    """The hash of the weights of each learner for which the study file names some; "" of a file that is not there."""
    files = {name: section.weights for name, section in study.learners.items() if section.weights is not None}
    return {name: content_hash(path) or "" for name, path in files.items()}
