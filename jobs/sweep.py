"""The loop of a sweep: steps wait, begin as there is room, end, and are followed or tried again."""

from __future__ import annotations

import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from jobs.failures import DAMAGED, DISK_FULL, Failure, is_tried_again
from jobs.prepared_data import Prepared
from jobs.steps import Kind, Report, Step
from study.core.durations import Slots
from study.core.errors import Fault, InputFaults, RunFailed
from study.core.evaluations import network_transfers
from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study
from study.core.writing import remove_folder


class Backend(Protocol):
    """Where steps run. `next_report` waits for any started step to end; a step never raises, it reports."""

    def has_room(self, kind: Kind) -> bool: ...
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


@dataclass(frozen=True)
class Limits:
    """Where a sweep stops short of its runs, and where it goes beyond them."""

    stop_after_s: float | None = None
    """No training begins after this time; what has begun is finished."""
    next_run: Callable[[], Run | None] = lambda: None
    """Asked for one run more once all others have begun (Algorithm 2's "while time allows"); None: there is none."""
    enough: Callable[[int], bool] = lambda n_done: False
    """Asked at the start and after each run with how many are done; once true, no training begins."""


@dataclass
class Sweep:
    """What is to be done, what waits, and what has failed how often."""

    study: Study
    prepared: Prepared
    backend: Backend
    progress: Progress
    waiting: dict[Kind, deque[Step]]
    """Steps that wait, by kind, in the order in which they are begun."""
    left: dict[str, set[str]]
    """The targets that a run still lacks, by its id."""
    tries: Counter[Step] = field(default_factory=Counter)

    @property
    def first(self) -> Kind:
        """The kind of a run's first step."""
        return "learn" if self.study.run is None else "call"

    def add(self, run: Run, targets: Iterable[str]) -> None:
        """A run whose first step is to be done."""
        self.waiting[self.first].append(Step(self.first, run, tuple(targets)))
        self.left[run.run_id] = set(targets)


def work_off(
    study: Study,
    prepared: Prepared,
    lacking: Mapping[Run, Sequence[str]],
    backend: Backend,
    progress: Progress,
    tell: Callable[[Progress, Report], None],
    limits: Limits,
) -> None:
    """All steps of the runs in `lacking`, until nothing is missing or `limits` say so. Raises RunFailed if a disk is
    full."""
    # evaluations go first and trainings last, so that scores come early
    waiting: dict[Kind, deque[Step]] = {"evaluate": deque(), "fine-tune": deque(), "learn": deque(), "call": deque()}
    sweep = Sweep(study, prepared, backend, progress, waiting, {})
    for run, targets in lacking.items():
        sweep.add(run, targets)
    is_enough = limits.enough(progress.runs_done)
    while True:
        time_is_up = limits.stop_after_s is not None and time.monotonic() - progress.started_at > limits.stop_after_s
        if time_is_up or is_enough:
            sweep.waiting[sweep.first].clear()
        _begin_all_that_fit(sweep)
        while not time_is_up and not is_enough and _draw(sweep, limits.next_run):
            _begin_all_that_fit(sweep)
        if not progress.in_flight:
            break
        report = backend.next_report()
        del progress.in_flight[report.step]
        if report.failure is not None:
            _fail(sweep, report.step, report.failure)
        elif _follow(sweep, report.step):
            is_enough = is_enough or limits.enough(progress.runs_done)
        tell(progress, report)
        if report.failure is not None and report.failure.cause == DISK_FULL:
            free = shutil.disk_usage(study.store).free
            raise RunFailed(
                f"{report.failure.message}: {free / 2**20:.0f} MiB are free under {study.store}; "
                "free some space and launch again; no finished work is lost"
            )


def _begin_all_that_fit(sweep: Sweep) -> None:
    for kind, queue in sweep.waiting.items():
        while queue and sweep.backend.has_room(kind):
            sweep.progress.in_flight[queue[0]] = time.monotonic()
            sweep.backend.start(queue.popleft())


def _draw(sweep: Sweep, next_run: Callable[[], Run | None]) -> bool:
    """Plan one run more, but only if it can begin at once: else it would be planned and, time being up, never run."""
    if sweep.waiting[sweep.first] or not sweep.backend.has_room(sweep.first):
        return False
    drawn = next_run()
    if drawn is None:
        return False
    sweep.add(drawn, sweep.prepared.targets)
    sweep.progress.n_runs += 1
    sweep.progress.n_evaluations += len(sweep.prepared.targets)
    return True


def _follow(sweep: Sweep, step: Step) -> bool:
    """Let what follows a finished step wait its turn; whether the run is done."""
    if step.kind == "learn":
        for target in step.targets:
            trains = network_transfers(sweep.study, step.run, target)
            kind: Kind = "fine-tune" if trains else "evaluate"
            sweep.waiting[kind].append(Step(kind, step.run, (target,)))
        return False
    if step.kind == "fine-tune":
        sweep.waiting["evaluate"].append(replace(step, kind="evaluate"))
        return False
    left = sweep.left[step.run.run_id]
    left -= set(step.targets)
    sweep.progress.evaluations_done += len(step.targets)
    if left:
        return False
    sweep.progress.runs_done += 1
    forget_representations(sweep.study, step.run)
    return True


def _fail(sweep: Sweep, step: Step, failure: Failure) -> None:
    """Let the step wait to be tried again, or note that its run has failed."""
    sweep.tries[step] += 1
    if not is_tried_again(failure, sweep.tries[step]):
        sweep.progress.failed[step.run.run_id] = failure
        return
    if failure.cause == DAMAGED:
        _mend(sweep.study, sweep.prepared)
        step = replace(step, kind=sweep.first)  # which does what is missing of all that came before
    sweep.waiting[step.kind].append(step)


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
