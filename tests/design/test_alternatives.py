"""Other plans with as many runs: figures that are known from the literature's space, and what the page says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from design.alternatives import alternatives
from design.diagnostics import diagnose
from design.generate import generate
from design.page import design_page
from design.phases import sequential_phases
from tests.design.spaces import PAPER_PHASES, write_study
from tests.design.test_anytime import slope_errors

SEQUENTIAL = PAPER_PHASES[PAPER_PHASES.rindex("[[design.phase]]") :]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory):
    study = write_study(tmp_path_factory.mktemp("alternatives"), SEQUENTIAL)
    (phase,) = sequential_phases(study)
    return study, phase, generate(study, 100)


def test_each_choice_costs_another(planned):
    study, phase, runs = planned
    table = alternatives(study, phase, runs).set_index("choice")
    assert table.slopes["this plan"] == pytest.approx(slope_errors(phase.candidates.codes_of(runs)).mean())
    first = 'model = "first", n_sources not balanced'
    assert table.slopes.idxmin() == first and table.d_efficiency.idxmin() == first
    assert table.d_efficiency.idxmax().startswith('criterion = "D"') and table.unbalance.idxmax() != "this plan"
    assert table.unbalance["this plan"] <= 8 and (table.rarest >= 3).all()
    assert table.main_effects.between(0.26, 0.28).all()


def test_the_page_shows_them_and_how_much_of_the_space_is_predicted_how_well(planned):
    study, phase, runs = planned
    found = diagnose(study, phase, runs)
    columns = found.fractions
    assert len(columns) == 101 and (np.diff(columns) >= 0).all() and columns[0] <= found.variances <= columns[-1]
    page = design_page(study, runs)
    assert "figures/fractions_sequential.png" in page.files and "alternatives.csv" in page.files
    assert "Other plans with as many runs" in page.files["design.html"].decode()


def test_a_named_interaction_says_what_it_would_be_mistaken_for(tmp_path: Path):
    """A half fraction with d = abc: the interaction of a and b is that of c and d; and of 2 x 2 with a corner missing
    the interaction changes both main effects."""
    phase = """
[[design.phase]]
name = "sequential"
strategy = ["SS-R"]
n_sources = [1]
criterion = "anytime"
model = "width * activation"
"""
    factors = 'width = [0.5, 1.0]\nactivation = ["relu", "elu"]'
    study = write_study(tmp_path, phase, sources=1, factors=factors)
    (sequential,) = sequential_phases(study)
    terms = diagnose(study, sequential, generate(study, 4)).model_terms
    row = terms[terms.term.str.contains(":")].iloc[0]
    # treatment coding: y = w a adds half of itself to each main effect where all four runs are there
    assert row.mistaken_for in list(terms.term) and abs(row.share) == pytest.approx(0.5, abs=0.26)
    assert (terms[~terms.term.str.contains(":")].mistaken_for == "").all()
