from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from design.diagnostics import diagnose, level_table, prefix_unbalance
from design.expected_errors import expected_errors
from design.generate import generate
from design.information import model_columns
from design.phases import sequential_phases
from tests.design.spaces import PAPER_PHASES, SOURCES, factorial, paper_candidates, write_study


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    study = write_study(tmp_path_factory.mktemp("study"))
    runs = generate(study, 100)
    return study, runs, diagnose(study, sequential_phases(study)[0], runs[73:])


def test_unbalance_of_each_prefix_is_what_counting_finds(found):
    candidates = paper_candidates()
    _, runs, diagnostics = found
    codes = candidates.codes_of(runs[73:])
    for size in (1, 33, 100):
        largest = 0
        for column, factor in enumerate(candidates.factors):
            counts = np.bincount(codes[:size, column], minlength=len(factor.levels))
            totals = np.bincount(candidates.codes[:, column], minlength=len(factor.levels))
            largest = max(largest, np.ptp(counts[counts < totals]))
        assert diagnostics.prefixes.unbalance[size - 1] == largest


def test_exhausted_levels_are_excepted_at_every_prefix():
    space = factorial(2, 3)
    used_up = np.array([[0, 0], [0, 1], [0, 2]], dtype=np.uint8)
    assert prefix_unbalance(space, used_up, (0,)).tolist() == [1, 2, 0]


def test_tables_have_the_plans_figures(found):
    _, runs, diagnostics = found
    assert diagnostics.prefixes.n_runs.tolist() == list(range(1, 101))
    assert diagnostics.canonical.n_runs.tolist() == [10, 20, 40, 60, 80, 100]
    candidates = paper_candidates()
    columns = model_columns(candidates.factors, candidates.codes_of(runs[73:]))
    inverse = np.linalg.inv(columns.T @ columns)
    terms = diagnostics.terms.set_index("term")
    sources = [f"source.{name}" for name in SOURCES]
    # a source's column is -1 and 1 here: half of the difference between present and absent
    np.testing.assert_allclose(terms.standard_error[sources], 2 * np.sqrt(np.diag(inverse))[5:])
    correlation = np.corrcoef(columns[:, 1:].T)
    np.testing.assert_allclose(terms.gvif[sources] ** 2, np.diag(np.linalg.inv(correlation))[4:])  # plain VIF
    every = model_columns(candidates.factors, candidates.codes)
    variance = np.einsum("ij,jk,ik->i", every, inverse, every)
    np.testing.assert_allclose((diagnostics.variances, diagnostics.fractions[-1]), (variance.mean(), variance.max()))
    assert diagnostics.prefixes.d_efficiency[:12].isna().all()
    assert (diagnostics.prefixes.d_efficiency_bound[:12] == 0).all()
    assert (diagnostics.prefixes.d_efficiency[12:] <= diagnostics.prefixes.d_efficiency_bound[12:]).all()
    assert diagnostics.dependent == {}


def test_expected_errors_are_those_of_the_first_model(found):
    study, runs, _ = found
    errors = expected_errors(study, runs[:73], runs[73:]).set_index("n_runs")
    assert errors.index.tolist() == list(range(101))
    n = np.array([run.n_sources - 2 for run in runs if run.strategy == "MSS-CR"], dtype=float)
    np.testing.assert_allclose(errors["strategy[MSS-CR]:n_star"][100], 1 / np.sqrt(((n - n.mean()) ** 2).sum()))
    np.testing.assert_allclose(errors["strategy[SS-R]"], 1 / np.sqrt(48))
    assert np.isnan(errors["strategy[MSS-CR]:n_star"][0])  # all five have n = 8
    assert errors["strategy[MSS-CR]"][0] is not None
    filled = errors.ffill().fillna(np.inf)
    assert (filled.diff().iloc[1:].fillna(-1) <= 1e-12).all().all()  # more runs never tell less


def test_a_phase_of_one_size_names_its_dependent_term(tmp_path: Path):
    study = write_study(tmp_path, PAPER_PHASES.replace("{ from = 2, to = 7 }", "[4]"))
    diagnostics = diagnose(study, sequential_phases(study)[0], generate(study, 40)[73:])
    assert list(diagnostics.dependent) == ["source.artist"]
    assert "source.artist" not in set(diagnostics.terms.term)
    assert diagnostics.terms.standard_error.notna().all()


def test_too_few_runs_have_no_errors_rather_than_wrong_ones(tmp_path: Path):
    study = write_study(tmp_path)
    diagnostics = diagnose(study, sequential_phases(study)[0], generate(study, 9)[73:])
    assert diagnostics.terms.standard_error.isna().all()
    assert np.isnan(diagnostics.variances).all()


def test_levels_are_counted_where_a_phase_takes_the_studys_strategies(tmp_path):
    phases = '[[design.phase]]\nname = "any"\nn_sources = [1, 2]\ncriterion = "anytime"\n'
    study = write_study(tmp_path, phases, sources=3, factors='strategy = ["MSS-CR", "SS-R", "MS-CR@4"]')
    levels = level_table(study, generate(study, 9))
    strategies = levels[levels.factor == "strategy"]
    assert strategies.level.tolist() == ["MSS-CR", "SS-R", "MS-CR@4"] and strategies.n_runs.sum() == 9


def test_levels_are_counted_by_phase_in_the_studys_order(found):
    study, runs, _ = found
    levels = level_table(study, runs)
    strategies = levels[(levels.factor == "strategy") & (levels.phase == "all")]
    assert strategies.level.tolist() == ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
    assert (strategies.n_runs == 5).all()
    by_factor = levels.groupby("factor").n_runs.sum()
    pd.testing.assert_series_equal(by_factor, pd.Series(173, by_factor.index), check_names=False)


def test_a_difference_of_strategies_has_the_error_of_a_difference(found):
    """Helmert columns under levels' names gave 0.1 here, and the intercept's beside it; the difference has 0.31."""
    _, runs, diagnostics = found
    terms = diagnostics.terms.set_index("term").standard_error
    of_each = [sum(run.strategy == name for run in runs[73:]) for name in ("MS-SR@FC", "MSS-CR")]
    assert "intercept" not in terms and "strategy[MSS-CR]" not in terms
    assert terms["MSS-CR - MS-SR@FC"] == pytest.approx(np.sqrt(sum(1 / n for n in of_each)), rel=0.01)


def test_names_are_those_that_analyze_prints(tmp_path: Path):
    study = write_study(tmp_path, factors='width = [0.5, 1.0, 2.0]\nactivation = ["relu", "elu"]')
    runs = generate(study, 60)
    terms = diagnose(study, sequential_phases(study)[0], runs[-60:]).terms.term.tolist()
    assert {"factor.width", "factor.width^2", "factor.activation[elu]", "source.self", "MSS-CR - MS-SR@FC"} <= set(
        terms
    )
    assert not [term for term in terms if "linear" in term or "quadratic" in term]
    errors = expected_errors(study, runs[:-60], runs[-60:])
    assert {"factor.width^2", "MSS-CR - SS-R", "strategy[MSS-CR]:n_star"} <= set(errors)
