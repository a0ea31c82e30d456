"""Verify: every file of the store against its digest, and what was prepared against its inputs."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import is_damaged, read_plan
from study.core.run import Run, baseline_runs
from study.core.study_file import Study
from study.workflow.extras import needs_train


@needs_train()
def verify_study(study: Study, deep: bool = False) -> dict[str, Any]:
    """Files and bytes read, and what was found; each finding has a `file`, a `problem` and a `remedy`.

    `damaged`: what is not what was written. `unreadable`: what could not be read, and is left. `changed`: inputs that
    are no longer what was prepared, and runs that learned from others. `unverified`: files from before there were
    digests. `deep` reads all sound and tables; else those whose size, times, inode and sample are known are trusted.
    Raises InputFaults if the plan is of another study file.
    """
    from jobs.changed_inputs import changed_inputs
    from jobs.prepared_data import read_prepared
    from jobs.verification import verify_files

    runs = _runs(study)
    try:
        prepared = read_prepared(study)
    except InputFaults:  # there is none yet, or it is damaged, which is found below
        prepared = None
    verified = verify_files(study, prepared, runs)
    changed = (
        []
        if prepared is None or study.run is not None
        else changed_inputs(study, prepared, runs, deep, os.cpu_count() or 1)
    )
    return {
        "study": study.name,
        "deep": deep,
        "files": verified.n_files,
        "bytes": verified.n_bytes,
        "damaged": list(map(asdict, verified.damaged)),
        "unreadable": list(map(asdict, verified.unreadable)),
        "changed": list(map(asdict, changed)),
        "unverified": verified.unverified,
    }


def is_sound(facts: dict[str, Any]) -> bool:
    """Whether nothing was found that is to be made right."""
    return not (facts["damaged"] or facts["unreadable"] or facts["changed"])


def _runs(study: Study) -> list[Run]:
    """Baselines, then the plan; the baselines alone if there is no plan yet, or a damaged one."""
    path = Paths(study.store).plan
    return baseline_runs(study) + ([] if not path.exists() or is_damaged(path) else read_plan(path, study))
