"""`import study`: its names, how light it is, and a study from Python alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import study

HEAVY = {"numpy", "pandas", "pyarrow", "torch", "ray", "matplotlib"}
SLEEPSTUDY = Path(__file__).parents[1] / "reference" / "mixed_models_sleepstudy.csv"


@pytest.fixture
def small(run_study: Path, tmp_path: Path) -> study.StudyFolder:
    return study.open(shutil.copytree(run_study, tmp_path / "small"))


def test_names() -> None:
    assert study.__all__ == [
        "InputFaults", "MissingExtra", "RunFailed", "StudyError", "StudyFolder", "__version__", "analyze", "embed",
        "fit_mixed", "new", "open",
    ]  # fmt: skip
    assert all(getattr(study, name) is not None for name in study.__all__)
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        study.opne  # noqa: B018


@pytest.mark.parametrize("code", ["import study", "import sys; sys.argv = ['study', '--help']; import study.cli"])
def test_what_is_imported_is_light(code: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys, json; print(json.dumps(list(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert HEAVY.isdisjoint(json.loads(told.stdout))


def test_a_study_that_ran(small: study.StudyFolder, capfd: pytest.CaptureFixture[str]) -> None:
    assert small.settings.name == "small" and "timbre" in repr(small)
    checked = small.check()
    assert checked["ok"] and "no faults in the study file" in repr(checked)
    status = small.status()
    assert status["done"] == status["planned"] and f"{status['done']} of" in str(status)
    assert status["study"] in status._repr_html_() and dict(status)["failed"] == 0
    plan, runs, results = small.plan(), small.runs(), small.results()
    assert set(plan["run_id"]) < set(runs["run_id"]) == set(results["run_id"])
    again = small.launch(in_process=True)
    assert again["done"] == again["planned"]
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.slow
def test_analyze_writes_nothing_before_it_is_asked(small: study.StudyFolder, tmp_path: Path) -> None:
    before = sorted(path for path in small.folder.rglob("*") if "report" in path.parts)
    analysis = small.analyze()
    assert sorted(path for path in small.folder.rglob("*") if "report" in path.parts) == before
    assert set(analysis.models) >= {"strategy", "size"} and analysis.findings
    page = analysis.write_report(tmp_path / "report")
    assert page.is_file() and (tmp_path / "report" / "fit.json").is_file()


def test_a_table_from_elsewhere_and_a_mixed_model() -> None:
    sleep = pd.read_csv(SLEEPSTUDY)
    fit = study.fit_mixed("reaction ~ days + (days | subject)", sleep.rename(columns=str.lower))
    fixed = fit.fixed.set_index("term")
    assert fixed["estimate"].to_list() == pytest.approx([251.405, 10.467], abs=5e-4)
    assert fixed["se"].to_list() == pytest.approx([6.825, 1.546], abs=5e-4)
    with pytest.raises(study.StudyError, match="did you mean 'days'"):
        study.fit_mixed("reaction ~ dayz + (days | subject)", sleep.rename(columns=str.lower))


def test_errors_are_raised_and_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(study.InputFaults, match=r"no study\.toml"):
        study.open(tmp_path)
    with pytest.raises(study.InputFaults, match="did you mean 'minimal'"):
        study.new(tmp_path / "new", template="minimall")
    made = study.new(tmp_path / "new")
    with pytest.raises(study.InputFaults, match="no plan yet"):
        made.plan()
    assert capfd.readouterr() == ("", "")


def test_embedding_gives_a_frame(small: study.StudyFolder) -> None:
    sounds = sorted((small.folder / "sound").glob("t0*.wav"))[:3]
    (trained,) = small.runs().query("strategy == 'MSS-CR' and phase == 'all'")["run_id"]
    vectors = small.embed(trained[:8], sounds)
    assert len(vectors) == 3 and set(vectors["run_id"]) == {trained}
    again = study.embed(small.folder / "runs" / trained, sounds)
    pd.testing.assert_frame_equal(vectors, again)
