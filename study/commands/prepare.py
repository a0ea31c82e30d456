"""`study prepare`: prepare sound and labels, where missing or stale."""

from __future__ import annotations

from pathlib import Path

from study.commands.arguments import Folder, Overrides
from study.commands.terminal import tell
from study.core.paths import Paths


def prepare(folder: Folder = Path("."), overrides: Overrides = None) -> None:
    """Convert sound to mel spectrograms and label tables to label distributions, where missing, stale or damaged."""
    from study.core.fault_list import listing_faults_in
    from study.core.reading import read_study
    from study.workflow.prepare import prepare_study

    study = read_study(folder, overrides or ())
    with listing_faults_in(Paths(study.store).faults):
        prepare_study(study, tell, all_frames=True)
