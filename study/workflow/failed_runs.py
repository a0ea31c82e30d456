"""Which runs have failed for a cause of their own, whichever plan they were in: no plan has them again unasked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study

MOST_REPEATS = 10
"""Repeats of a combination that a sequential phase may have had, as far as failed ones are looked for."""


def failed_runs(study: Study, planned: Sequence[Run]) -> list[Run]:
    """The runs of the study that failed for a cause of their own, as `runs/*/attempts` has it.

    Attempts are filed by run id alone, so runs that are not among those `planned` are looked for among all that the
    study's phases could plan.
    """
    unknown = set(_failed_ids(study))
    found = []
    for run in _every_run(study, planned):
        if not unknown:
            break
        if run.run_id in unknown:
            unknown.remove(run.run_id)
            found.append(run)
    return found


def _failed_ids(study: Study) -> Iterator[str]:
    from jobs.records import failed_by_itself, known_training, read_attempts

    paths = Paths(study.store)
    for folder in sorted(paths.runs.glob("*/attempts")):
        run_id = folder.parent.name
        if failed_by_itself(read_attempts(paths, run_id)) and known_training(paths, run_id) is None:
            yield run_id


def _every_run(study: Study, planned: Sequence[Run]) -> Iterator[Run]:
    from design.enumeration import enumerate_candidates

    yield from planned
    for phase in study.phases:
        candidates = enumerate_candidates(study, phase)
        for replicate in range(MOST_REPEATS if phase.repeat_share else phase.repeats):
            for row in range(len(candidates)):
                yield candidates.run(study, phase.name, row, replicate)
