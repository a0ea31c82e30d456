"""The main effects of plans in which little varies: an intercept stays, and nothing ends in a traceback."""

from pathlib import Path

import numpy as np
import pytest

from design.diagnostics import diagnose
from design.expected_errors import main_effects, run_rows
from design.generate import generate
from design.phases import sequential_phases
from tests.design.spaces import write_study

ONE = """
[[design.phase]]
name = "sequential"
strategy = ["MSS-CR"]
n_sources = [2]
criterion = "anytime"
"""


def test_one_strategy_is_the_intercept(tmp_path: Path):
    study = write_study(tmp_path, ONE, sources=2, factors='activation = ["relu", "elu"]\nepochs = [1, 2]')
    runs = generate(study, 4)
    assert list(main_effects(run_rows(study, runs), study).columns) == [
        "strategy[MSS-CR]", "factor.activation[elu]", "factor.epochs",
    ]  # fmt: skip
    terms = diagnose(study, sequential_phases(study)[0], runs).terms.set_index("term").standard_error
    assert terms["factor.activation[elu]"] == pytest.approx(1)  # sqrt(1/2 + 1/2), not sqrt(1/2)


def test_a_single_run_has_no_effects(tmp_path: Path):
    study = write_study(tmp_path, ONE, sources=2, factors="epochs = [1, 2]")
    found = diagnose(study, sequential_phases(study)[0], generate(study, 1))
    assert found.terms.empty and np.isnan(found.variances).all()
