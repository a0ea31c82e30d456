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


def test_a_phase_of_one_run_in_which_little_varies_is_diagnosed(tmp_path: Path):
    """Both sources are always there and one strategy is forbidden: no main effect is left that one run could have."""
    phase = """
[[design.phase]]
name = "one"
n_sources = [2]
strategy = ["MS-SR@FC", "MS-CR@2", "MSS-CR"]
criterion = "balance-alias"
[[design.constraint]]
forbid = { strategy = "MS-SR@FC", n_sources = 2 }
"""
    study = write_study(tmp_path, phase, sources=2, factors="epochs = [1, 2, 3]")
    (sequential,) = sequential_phases(study)
    for n_runs in (1, 2, 6):
        found = diagnose(study, sequential, generate(study, n_runs))
        assert len(found.prefixes) == n_runs and found.terms.standard_error.notna().all() >= (n_runs == 6)
