"""The steps of a run. Each reads its input from disk and writes its output there, so each can be repeated alone.

call       call the study's function, where that is what a run is; its rows are committed once
learn      train (unless done already), then represent every track of the requested targets
fine-tune  fine-tune the network on each split of one target, if the study asks for it
evaluate   score the probe and the fine-tuned network on one target's splits; its rows are committed once
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from threadpoolctl import threadpool_limits

from jobs.failures import Failure, failure_of
from jobs.records import HEARD_S, attempt_path, begin_attempt, now, set_aside, write_attempt
from study.core.errors import Damaged
from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study
from study.core.writing import touch

Kind = Literal["call", "learn", "fine-tune", "evaluate"]


@dataclass(frozen=True)
class Step:
    """A piece of work on one run; it is sent to a worker together with the study file."""

    kind: Kind
    run: Run
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """How a step ended; `scores` are the means of the primary metrics, for progress displays.

    `scores` is None if another launch had done the evaluation.
    """

    step: Step
    failure: Failure | None = None
    scores: tuple[tuple[str, float], ...] | None = ()


def execute(study: Study, step: Step) -> Report:
    """Do a step and report. Any error is reported as well, and recorded among the run's attempts."""
    paths = Paths(study.store)
    attempt = begin_attempt(paths, step.run.run_id, step.kind, step.targets)
    try:
        write_attempt(paths, step.run.run_id, attempt)
        with _heard_of(attempt_path(paths, step.run.run_id, attempt)), limited_threads(study.compute.threads):
            scores: dict[str, float] | None = {}
            if step.kind == "call":
                from jobs.function_step import call

                scores = call(study, step.run, step.targets, attempt.attempt)
            elif step.kind == "learn":
                from jobs.learn_step import learn  # imports take seconds, so a worker has only those of its step

                learn(study, step.run, step.targets, attempt.attempt)
            elif step.kind == "fine-tune":
                from jobs.fine_tune_step import fine_tune_run

                fine_tune_run(study, step.run, step.targets)
            else:
                from jobs.evaluate_step import evaluate_run

                scores = evaluate_run(study, step.run, step.targets, attempt.attempt)
        write_attempt(paths, step.run.run_id, replace(attempt, finished_at=now()))
        return Report(step, scores=None if scores is None else tuple(scores.items()))
    except Exception as error:  # the boundary: a failed step must not end the sweep
        if isinstance(error, Damaged):
            set_aside(paths, step.run.run_id, error.path)
        failure = failure_of(error)
        ended = replace(
            attempt, finished_at=now(), cause=failure.cause, message=failure.message, traceback=traceback.format_exc()
        )
        try:
            write_attempt(paths, step.run.run_id, ended)
        except OSError as unwritten:  # the store itself may have failed; the report still gives the cause
            failure = Failure(failure.cause, f"{failure.message} (and its record: {unwritten})")
        return Report(step, failure)


@contextmanager
def _heard_of(record: Path) -> Iterator[None]:
    """Within, the attempt's record is touched now and then, so that other machines know that its process lives."""
    ended = threading.Event()

    def keep_touching() -> None:
        while not ended.wait(HEARD_S / 5):
            with suppress(OSError):
                touch(record)

    toucher = threading.Thread(target=keep_touching, daemon=True)
    toucher.start()
    try:
        yield
    finally:
        ended.set()
        toucher.join()


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Set the number of threads of PyTorch and linear algebra; another number would change the last bits."""
    torch: Any = None
    if find_spec("torch") is not None:  # a study whose runs are a function needs none
        import torch
    before = torch.get_num_threads() if torch else 0
    try:
        if torch:
            torch.set_num_threads(threads)
        with threadpool_limits(threads):
            yield
    finally:
        if torch:
            torch.set_num_threads(before)
