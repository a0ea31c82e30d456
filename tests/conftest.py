"""Fit once, test often: one small study, from its file to its report, for every test that only looks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from PIL import Image

from study.core.reading import read_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from tests.small_study import write_small_study

# The same examples every time: a failure is the change's. `--hypothesis-profile=default` looks further.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def small_study_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("soundfile", reason="needs the extra [train]")
    return write_small_study(tmp_path_factory.mktemp("template") / "small")


@pytest.fixture
def small_study(small_study_template: Path, tmp_path: Path) -> Path:
    """A fresh copy of the small study's folder: nothing planned, nothing prepared."""
    return Path(shutil.copytree(small_study_template, tmp_path / "small"))


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports whose figures are computed and not drawn: drawing takes most of the time, and has tests of its own."""

    def save(figure: object, folder: Path, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(folder / f"{name}.png")
        return folder / f"{name}.png"

    monkeypatch.setattr("analysis.report.write_report.save", save)


@pytest.fixture(scope="session")
def run_study(small_study_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, designed and launched in process without a break; not to be changed."""
    folder = Path(shutil.copytree(small_study_template, tmp_path_factory.mktemp("run") / "small"))
    study = read_study(folder)
    design_study(study, "4")
    launch_study(study, LaunchOptions(in_process=True))
    return folder
