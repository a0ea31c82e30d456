"""Ranges: points on their scale, a start that fills the space, then information."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from design.generate import generate
from design.page import design_page
from study.core.errors import InputFaults
from study.core.plan import read_plan, write_plan
from study.core.reading import read_study
from tests.design.spaces import write_study

PHASE = """
[[design.phase]]
name = "sequential"
strategy = ["SS-R"]
n_sources = [1]
criterion = "anytime"
"""
RANGES = "learning_rate = { from = 1e-5, to = 0.1 }\nl2 = { from = 0.0, to = 0.08, points = 9 }\n"
LOG = '[scale]\nlearning_rate = "log"\n'


def test_points_are_even_on_their_scale_and_whole_between_whole_ends(tmp_path: Path):
    study = write_study(tmp_path, PHASE, 1, RANGES + "epochs = { from = 10, to = 20, points = 5 }\n" + LOG)
    rates, decays, epochs = study.further_factors.values()
    assert rates.is_range and len(rates) == 17 and np.diff(np.log10(rates)) == pytest.approx(0.25, abs=1e-3)
    assert list(decays) == pytest.approx(np.linspace(0, 0.08, 9)) and list(epochs) == [10, 12, 15, 18, 20]
    assert study.phases[0].balance == ("strategy", "sources", "n_sources")


@pytest.mark.parametrize("written", ["{ from = 1 }", "{ from = 2, to = 1 }", "{ from = 0, to = 1, points = 2 }"])
def test_what_is_no_range_is_a_fault(tmp_path: Path, written: str):
    with pytest.raises(InputFaults, match=r"expected a list of levels, or . from = NUMBER"):
        write_study(tmp_path, PHASE, 1, f"l2 = {written}")
    with pytest.raises(InputFaults, match="from above 0"):
        write_study(tmp_path, PHASE, 1, 'l2 = { from = 0, to = 1 }\n[scale]\nl2 = "log"')


def test_the_start_fills_the_space_and_then_the_ends_and_the_middle_are_learned_from(tmp_path: Path):
    """Twenty runs at random leave a hole of 0.45 on average, their nearest neighbours being 0.03 apart."""
    study = write_study(tmp_path, PHASE, 1, RANGES + LOG)
    runs = generate(study, 60)
    points = np.array([[np.log10(run.factors["learning_rate"]) / 4 + 1.25, run.factors["l2"] / 0.08] for run in runs])
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 1, 21)), axis=-1).reshape(-1, 2)
    hole = np.linalg.norm(grid[:, None] - points[:20], axis=2).min(axis=1).max()
    apart = np.linalg.norm(points[:20, None] - points[:20], axis=2) + np.eye(20)
    assert hole < 0.3 and apart.min() > 0.1
    edge = (np.abs(points[20:] - 0.5) > 0.3) | (np.abs(points[20:] - 0.5) < 0.13)
    assert edge.mean() > 0.8
    assert [run.run_id for run in generate(study, 25)] == [run.run_id for run in runs[:25]]


def test_a_plan_with_ranges_is_written_read_and_shown(tmp_path: Path):
    study = write_study(tmp_path, PHASE, 1, RANGES + LOG)
    runs = generate(study, 12)
    write_plan(tmp_path / "plan.parquet", study, runs, lambda run: None)
    assert read_plan(tmp_path / "plan.parquet", read_study(tmp_path)) == runs
    assert not [note for note in design_page(study, runs).summary["notes"] if "no run of this plan has" in note]
