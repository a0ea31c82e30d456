"""The shell blocks of README and docs run, each page from top to bottom. `OWN_TEST` have tests of their own.

A block under a comment `<!-- parsed only: ... -->` is left to `test_docs.py`, which parses every line. So are lines
that do not call `study`, lines that need R, and launches that start or join Ray: in their place comes what they leave.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.test_bad_input import study
from tests.test_docs import shell_lines

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "tests" / "fixtures" / "release-0.1" / "demo"
MARK = re.compile(r"<!-- parsed only: .+? -->\n```sh\n.*?```", re.DOTALL)
FURTHER_SOURCES = """
[sources.octave]
labels = "gmm"
table = "pitch.csv"
factors = 2
[sources.word]
labels = "tags"
table = "tags.csv"
factors = 3
"""
"""So that the sequential phase has as many candidates as the pages plan runs."""


def lines_to_run(page: Path) -> list[list[str]]:
    """The words of each line that the page has in blocks without the mark."""
    text = MARK.sub("", page.read_text(encoding="utf-8"))
    return [shlex.split(line.partition(" > ")[0]) for line in shell_lines(text)]


OWN_TEST = ("functions.md", "tutorial.md")  # test_function_studies.py, test_tutorial.py
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
         if page.name not in OWN_TEST and lines_to_run(page)]  # fmt: skip


@pytest.fixture
def new_study(small_study: Path) -> Path:
    """What a user has after editing the study file."""
    (small_study / "study.toml").write_text((small_study / "study.toml").read_text() + FURTHER_SOURCES)
    return small_study


@pytest.fixture
def launched_study(run_study: Path, tmp_path: Path) -> Path:
    """What a user has after a launch."""
    folder = Path(shutil.copytree(run_study, tmp_path / "launched"))
    (folder / "study.toml").write_text((folder / "study.toml").read_text() + FURTHER_SOURCES)
    return folder


@pytest.fixture
def run_id(launched_study: Path) -> str:
    return min(path.parent.name for path in launched_study.glob("runs/*/weights.safetensors"))


@pytest.fixture
def folder(launched_study: Path, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages name. Nothing is drawn: other tests do that."""
    import soundfile

    monkeypatch.setattr("analysis.analyze.EXHIBITS", ())
    monkeypatch.setattr("design.page.png", lambda figure: b"")
    monkeypatch.setattr("study.workflow.plan.N_SIMULATIONS", 20)
    here = tmp_path / "here"
    shutil.copytree(launched_study, here / "mystudy")
    shutil.copytree(launched_study / "sound", here / "sound")
    for pitch in ("flute/A4_piano", "flute/C5_forte", "oboe/A4_forte", "oboe/C5_piano"):
        for take in range(6):
            path = here / "recordings" / f"{pitch}{take}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here / "sound" / f"c{take:02d}.wav", path)
    shutil.copytree(launched_study / "sound", here / "interviews")
    soundfile.write(here / "song.flac", np.sin(np.arange(16000) / 9), 8000)
    shutil.copy(launched_study / "runs" / run_id / "weights.safetensors", here)
    scores = pd.read_parquet(DEMO / "results.parquet").drop_duplicates(["run_id", "target", "repeat", "fold"])
    scores[["run_id", "target", "strategy", "repeat", "fold", "score"]].to_csv(here / "scores.csv", index=False)
    monkeypatch.chdir(here)
    return here


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shell_lines_run(
    page: Path, folder: Path, new_study: Path, launched_study: Path, run_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    mystudy = folder / "mystudy"
    for words in lines_to_run(page):
        if words[0] == "$EDITOR":
            _replace(mystudy, new_study)
        elif words[:2] == ["study", "launch"] and "--in-process" not in words:
            _replace(mystudy, launched_study)
        elif words[0] == "study" and "lme4" not in words:
            if words[1] == "new":
                shutil.rmtree(mystudy)
            more = ["--simulations", "10"] if words[1] == "power" else []
            meant = {"genre": "timbre", "3f0c": f"mystudy/runs/{run_id}", "mystudy/runs/RUN": f"mystudy/runs/{run_id}"}
            status, _, err = study(capfd, *(meant.get(word, word) for word in words[1:]), *more)
            expected = 1 if words[1] == "verify" else 0  # the further sources are not prepared yet
            assert status == expected, (words, err)


def test_marks_have_a_block_below() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert len(MARK.findall(text)) == text.count("<!-- parsed only"), page.name


def _replace(folder: Path, other: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
