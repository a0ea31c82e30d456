"""Check: every fault of the study file and of all that it points to, at once."""

from __future__ import annotations

import os
from pathlib import Path

from study.core.errors import raise_all
from study.core.fault_list import listing_faults_in
from study.core.paths import Paths
from study.core.reading import read_study


def check_folder(folder: Path) -> None:
    """Raise InputFaults with every fault of the study in `folder`: its file, its tables and its sound.

    Where its message leaves some out, it names the file that lists all."""
    study = read_study(folder)
    from jobs.preparation import check

    with listing_faults_in(Paths(study.store).faults):
        raise_all(check(study, os.cpu_count() or 1))
