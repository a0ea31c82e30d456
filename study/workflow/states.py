"""The state of each run, read from disk, for `study status` and `study runs` alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.result_index import survey_results
from study.core.results import StoredResult
from study.core.run import Run, baseline_runs
from study.core.study_file import Study
from study.core.valid_results import expected_results

if TYPE_CHECKING:
    from jobs.failures import Failure
    from jobs.records import Attempt, Trained

State = Literal["done", "running", "failed", "waiting"]


@dataclass(frozen=True)
class RunState:
    """A run and its state: `done` with a valid score on every target, `failed` if the last step that ended failed.

    `trained` is None until the run is trained; `failure` is set for failed runs only.
    """

    run: Run
    state: State
    trained: Trained | None
    attempts: tuple[Attempt, ...]
    failure: Failure | None
    results: tuple[StoredResult, ...]
    missing: tuple[str, ...]
    """The targets without a valid result."""


@dataclass(frozen=True)
class Sweep:
    """The baselines and the runs of the plan, in its order, and results that belong to neither.

    `other_version`: results of runs outside the plan, or on earlier definitions of targets.
    `unverified`: valid results of the runs that were written before results had digests.
    """

    runs: tuple[RunState, ...]
    other_version: tuple[StoredResult, ...]
    unverified: tuple[StoredResult, ...]


def read_sweep(study: Study) -> Sweep:
    """Raises `InputFaults` if there is no plan of this study file."""
    from jobs.prepared_data import read_prepared

    paths = Paths(study.store)
    runs = baseline_runs(study) + read_plan(paths.plan, study)
    try:
        fingerprints = read_prepared(study).target_fingerprints
    except InputFaults:  # nothing is prepared yet
        fingerprints = {}
    survey = survey_results(paths, expected_results(study, runs, fingerprints))
    of_run: dict[str, list[StoredResult]] = {run.run_id: [] for run in runs}
    for valid in survey.valid:
        of_run[valid.stored.run_id].append(valid.stored)
    return Sweep(
        tuple(_state(study, run, of_run[run.run_id]) for run in runs),
        survey.others,
        tuple(valid.stored for valid in survey.valid if not valid.is_verified),
    )


def _state(study: Study, run: Run, results: Iterable[StoredResult]) -> RunState:
    from jobs.records import known_training, last_failure, read_attempts

    paths, results = Paths(study.store), tuple(results)
    attempts = tuple(read_attempts(paths, run.run_id))
    failure: Failure | None = None
    state: State = "waiting"
    scored = {item.target for item in results}
    missing = tuple(name for name in study.targets if name not in scored)
    if not missing:
        state = "done"
    elif any(attempt.is_running for attempt in attempts):
        state = "running"
    elif (failure := last_failure(list(attempts))) is not None:
        state = "failed"
    return RunState(run, state, known_training(paths, run.run_id), attempts, failure, results, missing)
