"""The steps of a run. Each reads what it needs from disk and leaves what it made there, so each can be run again alone.

learn      train (unless it has), then the representation of every track of the targets asked for
fine-tune  where a study asks for it, the network trained on for one target, on each of its splits
evaluate   the probe on one target's splits, and what was fine-tuned there; its rows committed once
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from threadpoolctl import threadpool_limits

from jobs.failures import Failure, failure_of
from jobs.records import begin_attempt, now, write_attempt
from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study


@dataclass(frozen=True)
class Step:
    """A piece of work on one run: what travels to a worker beside the study file."""

    kind: Literal["learn", "fine-tune", "evaluate"]
    run: Run
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """How a step ended; `scores` are the means of the primary metrics, for whoever watches.

    They are None of an evaluation that another launch had done.
    """

    step: Step
    failure: Failure | None = None
    scores: tuple[tuple[str, float], ...] | None = ()


def execute(study: Study, step: Step) -> Report:
    """Do a step and report. Whatever goes wrong within is a report, too, and a file among the run's attempts."""
    paths = Paths(study.store)
    attempt = begin_attempt(step.kind, step.targets)
    try:
        write_attempt(paths, step.run.run_id, attempt)
        with limited_threads(study.compute.threads):
            scores: dict[str, float] | None = {}
            if step.kind == "learn":
                from jobs.learn_step import learn  # a worker imports what its kind of step needs, which takes seconds

                learn(study, step.run, step.targets, attempt.attempt)
            elif step.kind == "fine-tune":
                from jobs.fine_tune_step import fine_tune_run

                fine_tune_run(study, step.run, step.targets)
            else:
                from jobs.evaluate_step import evaluate_run

                scores = evaluate_run(study, step.run, step.targets, attempt.attempt)
        write_attempt(paths, step.run.run_id, replace(attempt, finished_at=now()))
        return Report(step, scores=None if scores is None else tuple(scores.items()))
    except Exception as error:  # the boundary: a step must not take the sweep with it
        failure = failure_of(error)
        ended = replace(attempt, finished_at=now(), cause=failure.cause, message=failure.message,
                        traceback=traceback.format_exc())  # fmt: skip
        try:
            write_attempt(paths, step.run.run_id, ended)
        except OSError as unwritten:  # the store itself may be what failed; the report still says why
            failure = Failure(failure.cause, f"{failure.message} (and its record: {unwritten})")
        return Report(step, failure)


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """One number of threads for PyTorch and for linear algebra: a different one gives other bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)
