"""What every backend must do: run steps somewhere, one report for each, nothing raised."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.preparation import prepare
from jobs.steps import Step
from jobs.sweep import Backend
from study.core.reading import read_study
from study.core.run import make_run
from study.core.study_file import Study


class BackendContract:
    """Subclass with `make_backend(study)`."""

    @staticmethod
    def make_backend(study: Study) -> Backend:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def study(cls, small_study_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
        study = read_study(shutil.copytree(small_study_template, tmp_path_factory.mktemp("backend") / "small"))
        prepare(study, workers=1)
        return study

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, study: Study) -> Iterator[Backend]:
        backend = cls.make_backend(study)
        yield backend
        backend.close()

    def test_steps_in_steps_out(self, study: Study, backend: Backend) -> None:
        """Every step started is reported once; a step that fails is a report with its cause, and the rest goes on."""
        run = make_run(study, "single", 0, "SS-R", ("pitch",))
        learn = Step("learn", run, ("timbre",))
        too_early = Step("evaluate", make_run(study, "single", 0, "SS-R", ("tag",)), ("timbre",))
        reports = []
        for step in (learn, too_early, Step("evaluate", run, ("timbre",))):
            assert backend.has_room(step.kind)
            backend.start(step)
            reports.append(backend.next_report())
        assert [report.step for report in reports] == [learn, too_early, Step("evaluate", run, ("timbre",))]
        assert [report.failure is None for report in reports] == [True, False, True]
        assert reports[1].failure.cause == "error" and "has not learned yet" in reports[1].failure.message
        assert 0 <= dict(reports[2].scores)["timbre"] <= 1

    def test_has_room_has_an_end(self, study: Study, backend: Backend) -> None:
        run = make_run(study, "single", 1, "SS-R", ("pitch",))
        step = Step("learn", run, ("timbre",))
        started = 0
        while backend.has_room(step.kind):
            backend.start(step)
            started += 1
            assert started <= 1000
        assert started == backend.slots().training
        assert all(backend.next_report().failure is None for _ in range(started))
