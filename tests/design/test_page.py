import json
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from design.generate import generate
from design.notes import on_baselines
from design.page import design_page, write_page
from tests.design.spaces import PAPER_PHASES, write_study


def written_page(study, runs, folder: Path, *costs):
    page = design_page(study, runs, *costs)
    write_page(page, folder)
    return page.summary


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("page")
    study = write_study(folder)
    runs = generate(study, 45)
    summary = written_page(study, runs, folder / "design", lambda run: 0.5 * run.n_sources)
    return folder / "design", runs, summary


def test_the_page_needs_nothing_from_elsewhere(written):
    folder, _, _ = written
    html = (folder / "design.html").read_text()
    assert not re.search(r'(src|href)="(?!data:image/png;base64,)', html)
    for said in ("118 runs", "cannot both be balanced", "strategy[MSS-CR]:n_star", "GVIF", "D-efficiency",
                 "Welch 1974", "n_sources is the sum of the source indicators"):  # fmt: skip
        assert said in html


def test_csv_files_hold_the_plans_figures(written):
    folder, runs, summary = written
    balance = pd.read_csv(folder / "balance.csv", dtype={"level": str})
    assert balance[balance.factor == "strategy"].n_runs.sum() == len(runs)
    aliasing = pd.read_csv(folder / "aliasing.csv")
    assert len(aliasing) == 14**2
    main = aliasing[~aliasing.term.eq("n_sources") & ~aliasing.other.eq("n_sources")]
    between = main[main.term.str.partition("[")[0] != main.other.str.partition("[")[0]]
    assert round(between.correlation.abs().max(), 3) == summary["largest_aliasing"]
    assert pd.read_csv(folder / "prefixes.csv").n_runs.tolist() == list(range(1, 46))
    assert len(pd.read_csv(folder / "standard_errors.csv")) == 46
    for name in ("balance", "aliasing_sequential", "interactions_sequential", "prefixes_sequential"):
        assert (folder / "figures" / f"{name}.png").is_file()


def test_the_summary_is_plain_data_with_what_each_phase_costs(written):
    folder, _, summary = written
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["hours_by_phase"]["single"] == 24
    assert summary["hours_by_phase"]["all"] == 100
    assert [row["n_runs"] for row in summary["prefixes"]] == [10, 20, 40, 45]
    (note,) = [note for note in summary["notes"] if note.startswith("baselines")]
    assert note in unescape((folder / "design.html").read_text())
    assert summary["largest_unbalance"] == summary["prefixes"][-1]["unbalance"]


def test_a_plan_of_factorial_phases_alone_has_a_page(tmp_path: Path):
    study = write_study(tmp_path, PAPER_PHASES[: PAPER_PHASES.index('[[design.phase]]\nname = "sequential"')])
    summary = written_page(study, generate(study, None), tmp_path / "design")
    assert summary["prefixes"] == []
    assert summary["hours_by_phase"] == {"single": None, "all": None}
    assert "unknown" in (tmp_path / "design" / "design.html").read_text()


def test_the_baselines_of_levels_are_counted(tmp_path: Path):
    beside = "are evaluated on every target in addition to the plan"
    (note,) = on_baselines(write_study(tmp_path), lambda run: None, "GPU-hours")
    assert f"1 MFCC and 5 Random {beside};" in note
    several = write_study(tmp_path, factors="width = [0.5, 1.0, 2.0]\nactivation = ['relu', 'elu']")
    (note,) = on_baselines(several, lambda run: 0.5, "GPU-hours")
    assert f"30 Random (5 for each width x activation of the study) {beside}, about 16 GPU-hours" in note


def test_writing_again_leaves_nothing_of_before(tmp_path: Path):
    study = write_study(tmp_path)
    (tmp_path / "design" / "figures").mkdir(parents=True)
    (tmp_path / "design" / "figures" / "old.png").touch()
    written_page(study, generate(study, 2), tmp_path / "design")
    assert not (tmp_path / "design" / "figures" / "old.png").exists()
    assert "2 runs are too few to estimate all main effects" in (tmp_path / "design" / "design.html").read_text()


def test_names_are_escaped(tmp_path: Path):
    study = write_study(tmp_path, factors='augmentation = ["<script>", "plain"]')
    written_page(study, generate(study, 3), tmp_path / "design")
    assert "<script>" not in (tmp_path / "design" / "design.html").read_text()
