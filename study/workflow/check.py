"""Check: every fault of the study file and of all that it points to, at once."""

from __future__ import annotations

import os
from pathlib import Path

from study.core.errors import Fault, InputFaults
from study.core.reading import read_study
from study.core.scales import proposals


def proposals_for(folder: Path) -> list[str]:
    """What a sound study file could say besides."""
    study = read_study(folder)
    return list(proposals(study.further_factors, study.scale))


def check_folder(folder: Path) -> list[Fault]:
    """The faults of the study in `folder`: its file, its tables and its sound."""
    try:
        study = read_study(folder)
        from jobs.preparation import check

        return check(study, os.cpu_count() or 1)
    except InputFaults as error:
        return list(error.faults)
