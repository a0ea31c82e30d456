"""The story of a launch: what the plan holds and the results lack, as steps, until nothing is missing.

    planned runs + baselines -> missing targets of each -> learn (train, represent) -> fine-tune for a target, where
    the study asks for it -> evaluate a target -> commit
    (where a run is a function: planned runs -> missing targets of each -> call -> commit)

The state of a sweep is what is on disk: launching is resuming, and a launch that was killed has lost at most the steps
in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress

from jobs.failures import BackendLost, Failure
from jobs.prepared_data import Prepared
from jobs.records import known_training
from jobs.steps import Report
from jobs.sweep import Backend, Limits, Progress, forget_representations, work_off
from study.core.errors import Fault, Interrupted, RunFailed, raise_all
from study.core.paths import Paths
from study.core.result_index import Survey, Valid
from study.core.results import PROBE_SCORES_VERSION, TRAIN_SCORES_VERSION, stored_results
from study.core.run import Run
from study.core.study_file import Study
from study.core.writing import move


def missing_targets(study: Study, prepared: Prepared, runs: Iterable[Run]) -> dict[Run, tuple[str, ...]]:
    """The targets that each run still lacks a valid result on, in the order of `runs`; complete runs are left out."""
    done = {(stored.run_id, stored.target, stored.fingerprint) for stored in stored_results(Paths(study.store))}
    lacking = {}
    for run in runs:
        targets = tuple(
            name for name, target in prepared.targets.items() if (run.run_id, name, target.fingerprint) not in done
        )
        if targets:
            lacking[run] = targets
    return lacking


def refuse_other_data(
    study: Study, prepared: Prepared, runs: Iterable[Run], valid: Iterable[Valid], mix_versions: bool
) -> None:
    """Raise `InputFaults` naming the runs whose weights come from other data, or whose weights or `valid` results come
    from code that scores otherwise."""
    paths = Paths(study.store)
    faults = []
    for run in runs:
        trained = known_training(paths, run.run_id)
        if trained is None:
            continue
        fingerprint = prepared.fingerprint_of(run)
        if trained.data_fingerprint != fingerprint:
            faults.append(
                Fault(
                    f"runs/{run.run_id}",
                    "data_fingerprint",
                    trained.data_fingerprint,
                    f"expected {fingerprint}: trained before the corpus or its labels changed; "
                    "restore them, or give the changed study another [study] store",
                )
            )
        if trained.train_scores_version != TRAIN_SCORES_VERSION and not mix_versions:
            faults.append(
                Fault(
                    f"runs/{run.run_id}",
                    "train_scores_version",
                    trained.train_scores_version,
                    f"expected {TRAIN_SCORES_VERSION}: another version of this program trained it; "
                    "--mix-versions accepts it",
                )
            )
    if not mix_versions:
        scored = {(result.stored.run_id, result.probe_scores_version) for result in valid}
        for run_id, version in sorted(each for each in scored if each[1] != PROBE_SCORES_VERSION):
            faults.append(
                Fault(
                    f"results/{run_id}",
                    "probe_scores_version",
                    version,
                    f"expected {PROBE_SCORES_VERSION}: another version of this program scored it; "
                    "--mix-versions accepts it",
                )
            )
    raise_all(faults)


def set_invalid_aside(survey: Survey) -> list[Fault]:
    """Rename the result files that are not valid, so that their targets are evaluated again; say which."""
    for stored, _ in survey.invalid:
        with suppress(FileNotFoundError):  # another launch was first
            move(stored.path, stored.path.with_suffix(".invalid"))
    return [fault for _, fault in survey.invalid]


def launch(
    study: Study,
    prepared: Prepared,
    runs: Sequence[Run],
    backend: Backend,
    tell: Callable[[Progress, Report], None],
    limits: Limits = Limits(),  # noqa: B008
) -> Progress:
    """Run what is missing of `runs` on all targets, within `limits`.

    A step that fails is said and the rest goes on; a full disk stops the launch. Raises Interrupted on Ctrl-C.
    """
    lacking = missing_targets(study, prepared, runs)
    progress = progress_so_far(prepared, runs, lacking)
    try:
        work_off(study, prepared, lacking, backend, progress, tell, limits)
    except (KeyboardInterrupt, BackendLost) as ended:
        done = f"{progress.runs_done} of {progress.n_runs} runs done; launch again to resume"
        if isinstance(ended, BackendLost):
            raise RunFailed(f"{ended}: {done}") from None
        raise Interrupted(f"stopped: {done}") from None
    return progress


def progress_so_far(prepared: Prepared, runs: Sequence[Run], lacking: Mapping[Run, Sequence[str]]) -> Progress:
    """How far a sweep of `runs` is where `lacking` has the targets that are still missing."""
    n_evaluations = len(runs) * len(prepared.targets)
    done = n_evaluations - sum(map(len, lacking.values()))
    return Progress(len(runs), n_evaluations, len(runs) - len(lacking), done, done)


def forget_left_over(study: Study, runs: Sequence[Run], lacking: Container[Run]) -> None:
    """Delete what a killed launch left of runs that are done."""
    for run in runs:
        if run not in lacking:
            forget_representations(study, run)


def failures_told(failed: Mapping[str, Failure]) -> str:
    """One line a failed run."""
    return "\n".join(f"run {run_id} failed ({failure.cause}): {failure.message}" for run_id, failure in failed.items())
