"""A factor that cannot be balanced leaves the others alone, and no level goes unused in silence."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from design.anytime import anytime
from design.contradictions import balance_groups
from design.diagnostics import level_table
from design.generate import generate
from design.page import design_page
from tests.design.spaces import factorial, nothing, paper_candidates, write_study

PHASES = """
[[design.phase]]
name = "sequential"
strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
n_sources = [2, 3]
criterion = "anytime"
"""
WIDTHS = "width = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]"


def counts(runs, name: str, levels) -> list[int]:
    return [sum(run.factors[name] == level for run in runs) for level in levels]


def test_sources_that_cannot_be_balanced_leave_the_widths_alone(tmp_path: Path):
    """Three sources, two or three a run: each is in two thirds of them at least. Widths came 8, 2, 0, 4, 8, 8."""
    study = write_study(tmp_path, PHASES + 'balance = ["sources", "width"]', sources=3, factors=WIDTHS)
    found = counts(generate(study, 30), "width", study.further_factors["width"])
    assert min(found) >= 1 and max(found) - min(found) <= 4


def test_further_factors_are_balanced_where_the_file_does_not_say(tmp_path: Path):
    rates = "learning_rate = [1e-5, 1e-4, 1e-3, 1e-2, 1.0]"
    study = write_study(tmp_path, PHASES, sources=3, factors=rates)
    found = counts(generate(study, 40), "learning_rate", study.further_factors["learning_rate"])
    assert min(found) >= 1 and max(found) - min(found) <= 4


def test_a_level_that_is_not_balanced_is_used_as_soon_as_the_terms_are_known(tmp_path: Path):
    """A line and a parabola over six widths are known best from three of them."""
    study = write_study(tmp_path, PHASES + 'balance = ["strategy"]', sources=3, factors=WIDTHS)
    assert min(counts(generate(study, 30), "width", study.further_factors["width"])) >= 1


def test_a_level_without_a_run_has_a_bar_of_zero_and_a_sentence(tmp_path: Path):
    phases = PHASES.replace('"anytime"', '"D"')
    study = write_study(tmp_path, phases, sources=3, factors=WIDTHS)
    runs = generate(study, 12)
    found = level_table(study, runs)
    widths = found[found.factor == "factor.width"]
    assert widths.level.tolist() == ["0.25", "0.5", "1.0", "2.0", "4.0", "8.0"] and widths.n_runs.sum() == 12
    unused = widths[widths.n_runs == 0].level
    assert len(unused)
    assert f"no run of this plan has width = {', '.join(unused)}" in design_page(study, runs).summary["notes"]


def test_unbalance_is_said_of_each_factor(tmp_path: Path):
    study = write_study(tmp_path, PHASES, sources=3, factors=WIDTHS)
    page = design_page(study, generate(study, 30))
    found = page.summary["unbalance"]["sequential"]
    assert list(found) == ["strategy", "self", "bpm", "year", "width", "n_sources"]
    assert found["self"] >= 10 and found["width"] <= 3
    assert b"imbalance of each factor" in page.files["design.html"].lower()


def test_contradictions_make_groups():
    paper = paper_candidates()
    assert balance_groups(paper, paper.positions(("strategy", "sources", "n_sources"))) == (
        [(0,)], [tuple(range(1, 10))],
    )  # fmt: skip
    assert balance_groups(paper, paper.positions(("strategy", "n_sources"))) == ([(0,), (9,)], [])
    assert balance_groups(factorial(2, 3, 4), (0, 1, 2)) == ([(0,), (1,), (2,)], [])


def test_three_factors_that_exclude_each_other_only_together_are_one_group():
    """Of a, b and c exactly one is 1: each is 0 in two thirds, any two can be even, all three cannot."""
    space = factorial(2, 2, 2)
    one = type(space)(space.factors, space.codes[space.codes.sum(axis=1) == 1])
    assert balance_groups(one, (0, 1, 2)) == ([], [(0, 1, 2)])


@pytest.mark.parametrize("n_runs", [12, 40])
def test_what_is_taken_elsewhere_is_not_taken_again(n_runs: int):
    space = factorial(3, 2, 2, 4)
    remaining = np.ones(len(space), dtype=bool)
    found = []
    for row in islice(anytime(space, nothing(space), (0, 3), np.random.SeedSequence(1), None, remaining), n_runs):
        found.append(row)
        lost = np.flatnonzero(remaining)[:1]
        remaining[lost[lost != row]] = False
        assert row not in found[:-1]
    assert len(found) == min(n_runs, len(set(found)))
