"""Runs steps one after another in this process: the backend for a laptop, a debugger and the tests."""

from __future__ import annotations

from collections import deque
from importlib.util import find_spec

from jobs.steps import Kind, Report, Step, execute
from study.core.durations import Slots
from study.core.study_file import Study


class InProcess:
    """The backend without Ray: a started step runs when its report is requested."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._started: deque[Step] = deque()

    def has_room(self, kind: Kind) -> bool:
        return not self._started

    def start(self, step: Step) -> None:
        self._started.append(step)

    def next_report(self) -> Report:
        return execute(self._study, self._started.popleft())

    def slots(self) -> Slots:
        if find_spec("torch") is None:
            return Slots(training=1, all=1)
        import torch

        return Slots(training=1, all=1, on_gpu=torch.cuda.is_available())

    def close(self) -> None:
        self._started.clear()
