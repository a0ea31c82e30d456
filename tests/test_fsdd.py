"""A small cut of the study of real recordings in benchmarks/: spoken digits, through the whole of the harness."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.fsdd_study import write_study
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.valid_results import read_results
from study.workflow.analysis import analyze_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study

RECORDINGS = Path(__file__).parents[1] / "../shared/corpora/fsdd/recordings"


@pytest.mark.usefixtures("unrendered")
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the Free Spoken Digit Dataset is not beside this checkout")
def test_spoken_digits_from_file_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 runs on 120 recordings learned from and 240 probed, with the data set's own test split."""
    write_study(
        tmp_path / "fsdd", RECORDINGS, takes_learned=range(10, 12), probed_takes=range(3, 7), epochs=3, repeats=1,
        single=1, width=0.125,
    )  # fmt: skip
    monkeypatch.setattr("study.workflow.plan.N_SIMULATIONS", 5)
    study = read_study(tmp_path / "fsdd")
    design_study(study, "2")
    launch_study(study, LaunchOptions(in_process=True))
    rows, faults = read_results(Paths(study.store))
    assert not faults and set(rows["outcome"]) == {"ok"}
    assert len(rows) == (3 + 5 + 2 + 6) * 3
    digit = rows[rows["target"] == "digit"].set_index("strategy")["score"]
    assert digit["MFCC"] > 0.5, "an MFCC of real speech tells digits apart"
    page = analyze_study(study).write_report(Paths(study.store).report)
    fit = json.loads((page.parent / "fit.json").read_text())
    assert fit["models"]["strategy"]["converged"] and fit["models"]["strategy"]["n_rows"] == 10 * 3
    assert "digit" in page.read_text()
