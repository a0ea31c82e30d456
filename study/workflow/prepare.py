"""Prepare sound and labels, where missing, stale or damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.core.progress import Tell, silent
from study.core.study_file import Study
from study.workflow.extras import needs_train

if TYPE_CHECKING:
    from jobs.prepared_data import Prepared


@needs_train()
def prepare_study(study: Study, tell: Tell = silent, all_frames: bool = False) -> Prepared:
    """Convert sound to mel stores and label tables to label distributions; for a function, nothing.

    `all_frames` reads all that is prepared for damage; else mel frames are read once they are used.
    """
    if study.run is not None:
        from jobs.prepared_data import read_prepared

        return read_prepared(study)
    from jobs.preparation import prepare

    return prepare(study, tell, all_frames=all_frames)
