import numpy as np
import pytest

from design.candidates import Factor
from design.information import (
    RIDGE,
    Information,
    MainEffects,
    WrittenOut,
    contrasts,
    log_efficiency,
    model_columns,
    moments,
    term_names,
)
from design.level_tables import LevelTables
from tests.design.spaces import factorial, paper_candidates


@pytest.mark.parametrize("levels", [("a", "b"), ("a", "b", "c"), tuple("abcdefg"), (1, 2, 4), (0.1, 1.0, 2.0, 8.0)])
def test_columns_are_normalised_over_equally_used_levels(levels):
    columns = contrasts(Factor("factor.x", levels))
    assert columns.shape[1] == (2 if isinstance(levels[0], int | float) else len(levels) - 1)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(columns.T @ columns / len(levels), np.eye(columns.shape[1]), atol=1e-12)


def test_an_ordered_factor_is_a_line_and_a_parabola():
    line, parabola = contrasts(Factor("factor.width", (1, 2, 3))).T
    np.testing.assert_allclose(line, np.sqrt(1.5) * np.array([-1, 0, 1]), atol=1e-12)
    np.testing.assert_allclose(parabola, np.sqrt(0.5) * np.array([1, -2, 1]), atol=1e-12)


def test_a_constant_factor_and_the_number_of_sources_have_no_columns():
    assert contrasts(Factor("strategy", ("MSS-CR",))).shape == (1, 0)
    assert contrasts(Factor("n_sources", (2, 3, 4))).shape == (3, 0)


def test_terms_are_named_after_their_levels():
    factors = (Factor("strategy", ("SS-R", "MSS-CR", "MS-CR@2")), Factor("source.tag", (False, True)),
               Factor("factor.width", (0.5, 1.0, 2.0)), Factor("n_sources", (1, 2)))  # fmt: skip
    assert term_names(factors) == [
        "intercept", "strategy[MSS-CR]", "strategy[MS-CR@2]", "source.tag", "factor.width[linear]",
        "factor.width[quadratic]",
    ]  # fmt: skip


@pytest.mark.parametrize("n_levels", [(2, 2, 2), (2,) * 6, (3, 2, 2), (3, 2, 2, 2, 2)])
def test_full_factorials_have_log_det_p_log_n(n_levels):
    candidates = factorial(*n_levels)
    columns = model_columns(candidates.factors, candidates.codes)
    n, p = columns.shape
    np.testing.assert_allclose(np.linalg.slogdet(columns.T @ columns)[1], p * np.log(n))
    np.testing.assert_allclose(log_efficiency(columns), 0, atol=RIDGE)
    np.testing.assert_allclose(moments(candidates), np.eye(p), atol=1e-12)


def test_rank_one_updates_equal_the_inverse_worked_out_anew():
    candidates = paper_candidates()
    rng = np.random.default_rng(2)
    weight = moments(candidates)
    columns = model_columns(candidates.factors, candidates.codes)
    model = MainEffects(candidates, LevelTables(candidates))
    written = WrittenOut(columns, model.prior)
    grown = [Information(each, columns[:0], weight) for each in (model, written)]
    rows = rng.choice(len(candidates), 60, replace=False)
    for row in rows:
        for information in grown:
            information.take(row)
    anew = Information(model, columns[rows], weight)
    inverse = np.linalg.inv(columns[rows].T @ columns[rows] + RIDGE * np.eye(13))
    for found in (*grown, anew):
        np.testing.assert_allclose(found.inverse, inverse, atol=1e-9)
        np.testing.assert_allclose(found.gain, np.einsum("ij,jk,ik->i", columns, inverse, columns), atol=1e-8)
        double = inverse @ weight @ inverse
        np.testing.assert_allclose(found.drop, np.einsum("ij,jk,ik->i", columns, double, columns), atol=1e-6)
