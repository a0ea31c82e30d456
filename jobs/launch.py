"""The story of a launch: what the plan holds and the results lack, as steps, until nothing is missing.

    planned runs + baselines -> missing targets of each -> learn (train, represent) -> fine-tune for a target, where
    the study asks for it -> evaluate a target -> commit
    (where a run is a function: planned runs -> missing targets of each -> call -> commit)

The state of a sweep is what is on disk: launching is resuming, and a launch that was killed has lost at most the steps
in flight.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from jobs.failures import DAMAGED, DISK_FULL, BackendLost, Failure, is_tried_again
from jobs.prepared_data import Prepared
from jobs.records import known_training
from jobs.steps import Report, Step
from study.core.durations import Slots
from study.core.errors import Fault, InputFaults, Interrupted, RunFailed, raise_all
from study.core.paths import Paths
from study.core.result_index import Survey, Valid
from study.core.results import PROBE_SCORES_VERSION, TRAIN_SCORES_VERSION, stored_results
from study.core.run import Run
from study.core.study_file import Study
from study.core.writing import move, remove_folder


class Backend(Protocol):
    """Where steps run. `next_report` waits for any started step to end; a step never raises, it reports."""

    def has_room(self, step: Step) -> bool: ...
    def start(self, step: Step) -> None: ...
    def next_report(self) -> Report: ...
    def slots(self) -> Slots: ...
    def close(self) -> None: ...


@dataclass
class Progress:
    """How far a sweep is, earlier launches included; `tell` functions read it.

    `evaluations_before` were done when this launch began: what it has taken time for are those beyond.
    """

    n_runs: int
    n_evaluations: int
    runs_done: int = 0
    evaluations_done: int = 0
    evaluations_before: int = 0
    started_at: float = field(default_factory=time.monotonic)
    failed: dict[str, Failure] = field(default_factory=dict)
    in_flight: dict[Step, float] = field(default_factory=dict)
    """Steps that have begun and not ended, each with when by `time.monotonic`."""
    seconds_to_go: float | None = None
    """As whoever watches estimates it; None while that is unknown."""


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
    stop_after_s: float | None = None,
    next_run: Callable[[], Run | None] = lambda: None,
    enough: Callable[[int], bool] = lambda n_done: False,
) -> Progress:
    """Run what is missing of `runs` on all targets; evaluations go first and trainings last, so that scores come early.

    A step that fails is said and the rest goes on; a full disk stops the launch. After `stop_after_s` no further
    training is begun, and what has begun is finished. Once all of `runs` have begun, `next_run` is asked for one more
    (Algorithm 2's "while time allows"), until the time is up or it has none. `enough` is asked at the start and after
    each run with how many are done; once it says so, no further training is begun. Raises Interrupted on Ctrl-C.
    """
    lacking = missing_targets(study, prepared, runs)
    progress = progress_so_far(prepared, runs, lacking)
    try:
        _work_off(study, prepared, runs, lacking, backend, progress, tell, stop_after_s, next_run, enough)
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


def _work_off(
    study: Study,
    prepared: Prepared,
    runs: Sequence[Run],
    lacking: Mapping[Run, Sequence[str]],
    backend: Backend,
    progress: Progress,
    tell: Callable[[Progress, Report], None],
    stop_after_s: float | None,
    next_run: Callable[[], Run | None],
    enough: Callable[[int], bool],
) -> None:
    """The steps of `launch`, until nothing is missing or it is told to stop."""
    first = "learn" if study.run is None else "call"
    to_learn = deque(Step(first, run, tuple(targets)) for run, targets in lacking.items())
    waiting = {"evaluate": deque[Step](), "fine-tune": deque[Step](), first: to_learn}
    left = {run.run_id: set(targets) for run, targets in lacking.items()}
    tries: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    is_enough = enough(progress.runs_done)

    def start_all_that_fit() -> None:
        for queue in waiting.values():
            while queue and backend.has_room(queue[0]):
                progress.in_flight[queue[0]] = time.monotonic()
                backend.start(queue.popleft())

    def draw() -> bool:
        """Plan one run more, only when it can begin at once: else it would be planned and, time being up, never run."""
        if to_learn or not backend.has_room(Step(first, runs[0], ())) or (drawn := next_run()) is None:
            return False
        to_learn.append(Step(first, drawn, tuple(prepared.targets)))
        left[drawn.run_id] = set(prepared.targets)
        progress.n_runs += 1
        progress.n_evaluations += len(prepared.targets)
        return True

    while True:
        time_is_up = stop_after_s is not None and time.monotonic() - progress.started_at > stop_after_s
        if time_is_up or is_enough:
            to_learn.clear()
        start_all_that_fit()
        while not time_is_up and not is_enough and draw():
            start_all_that_fit()
        if not progress.in_flight:
            break
        report = backend.next_report()
        del progress.in_flight[report.step]
        step, failure = report.step, report.failure
        if failure is None:
            if step.kind == "learn":
                for target in step.targets:
                    kind = "fine-tune" if study.trained_transfers(step.run.strategy, target) else "evaluate"
                    waiting[kind].append(Step(kind, step.run, (target,)))
            elif step.kind == "fine-tune":
                waiting["evaluate"].append(replace(step, kind="evaluate"))
            else:
                progress.evaluations_done += len(step.targets)
                left[step.run.run_id] -= set(step.targets)
                if not left[step.run.run_id]:
                    progress.runs_done += 1
                    forget_representations(study, step.run)
                    is_enough = is_enough or enough(progress.runs_done)
        else:
            key = (step.kind, step.run.run_id, step.targets)
            tries[key] += 1
            if is_tried_again(failure, tries[key]):
                if failure.cause == DAMAGED:
                    _mend(study, prepared)
                    step = replace(step, kind=first)  # which does what is missing of all that came before
                waiting[step.kind].append(step)
            else:
                progress.failed[step.run.run_id] = failure
        tell(progress, report)
        if failure is not None and failure.cause == DISK_FULL:
            free = shutil.disk_usage(study.store).free
            raise RunFailed(
                f"{failure.message}: {free / 2**20:.0f} MiB are free under {study.store}; "
                "free some space and launch again; no finished work is lost"
            )


def _mend(study: Study, prepared: Prepared) -> None:
    """Make again what is damaged of the prepared data. Raises InputFaults if that would be other data by now."""
    from jobs.preparation import prepare  # imports torch, which those who only count what is missing do without

    if study.run is None and prepare(study, all_frames=True) != prepared:
        raise InputFaults(
            [
                Fault(
                    str(Paths(study.store).prepared),
                    "",
                    None,
                    "was damaged, and the inputs have changed since this launch began; launch again",
                )
            ]
        )


def forget_representations(study: Study, run: Run) -> None:
    """Delete the representations of a run that is done; what a target keeps of them lies with the target."""
    remove_folder(Paths(study.store).representations(run.run_id))


def forget_left_over(study: Study, runs: Sequence[Run], lacking: Container[Run]) -> None:
    """Delete what a killed launch left of runs that are done."""
    for run in runs:
        if run not in lacking:
            forget_representations(study, run)


def failures_told(failed: Mapping[str, Failure]) -> str:
    """One line a failed run."""
    return "\n".join(f"run {run_id} failed ({failure.cause}): {failure.message}" for run_id, failure in failed.items())
