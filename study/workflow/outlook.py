"""The time a launch still takes, updated after each of its steps."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from study.core.durations import Slots, Work
from study.core.paths import Paths
from study.core.run import Run
from study.core.run_works import WHOLE, Step, steps_of
from study.core.study_file import Study
from study.workflow.estimates import (
    Estimate,
    TimeLeft,
    estimate_from,
    planned_runs,
    read_records,
    steps_left,
    take_in,
    time_left,
)

if TYPE_CHECKING:
    from jobs.steps import Report
    from jobs.steps import Step as Started
    from jobs.sweep import Progress


class Outlook:
    """The remaining steps of a launch, and the estimate, which each finished step corrects."""

    def __init__(
        self,
        study: Study,
        lacking: Mapping[Run, tuple[str, ...]],
        slots: Slots,
        stop_after_s: float | None = None,
        plans_on: bool = False,
    ) -> None:
        records = read_records(study, planned_runs(study))
        self.estimate: Estimate = estimate_from(study, records, slots.on_gpu, may_measure=True)
        self._slots, self._stop_after_s, self._plans_on = slots, stop_after_s, plans_on
        self._runs = {run.run_id for run in lacking}
        self._steps: dict[Step, list[Work]] = {}
        for run, targets in lacking.items():
            trained, _ = records.get(run, (None, []))
            self._steps |= steps_left(self.estimate.model, run, targets, trained is not None)

    def time_left(self, in_flight: Mapping[Started, float]) -> TimeLeft | None:
        """The time left, less the time elapsed of the steps in flight; `in_flight` has when each began."""
        now = time.monotonic()
        elapsed_s = {_key(step): now - began for step, began in in_flight.items()}
        return time_left(self.estimate, self._steps, elapsed_s, self._slots)

    def look(self, progress: Progress, report: Report) -> None:
        """Take a finished step into account and set `progress.seconds_to_go`.

        A launch that extends the plan until a time limit runs until that limit; after it, the time to go is unknown.
        """
        from jobs.records import known_training, read_attempts

        study, run = self.estimate.model.study, report.step.run
        if run.run_id not in self._runs:  # added to the plan meanwhile
            self._runs.add(run.run_id)
            self._steps |= steps_of(self.estimate.model, run, study.targets)
        if report.failure is None:
            paths = Paths(study.store)
            take_in(self.estimate, run, known_training(paths, run.run_id), read_attempts(paths, run.run_id))
            self._forget([_key(report.step)])
        elif run.run_id in progress.failed:
            self._forget([step for step in self._steps if step[1] == run.run_id])
        left = self.time_left(progress.in_flight)
        to_go = left.seconds if left else None
        if self._stop_after_s is not None:
            until = self._stop_after_s - (time.monotonic() - progress.started_at)
            to_go = None if until < 0 else until if self._plans_on or to_go is None else min(to_go, until)
        progress.seconds_to_go = to_go

    def _forget(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._steps.pop(step, None)


def _key(step: Started) -> Step:
    return step.kind, step.run.run_id, () if step.kind in WHOLE else step.targets
