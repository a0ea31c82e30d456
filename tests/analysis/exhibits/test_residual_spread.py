from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.exhibits.residual_spread import deviation_interval, residual_spread, sentences, spread_tests
from analysis.fitting.conditional import residuals
from analysis.models import paper_strategy_model
from analysis.results_table import results_table


@pytest.fixture(scope="module")
def table(results):
    return results_table(results, {})


def test_residuals_are_those_of_the_whole_covariance_matrix(table) -> None:
    """sigma^2 V^-1 (z - X beta), an identity of best linear unbiased prediction."""
    model = paper_strategy_model(table, {})
    x = model.coding.columns
    rest = table.scores["z"].to_numpy() - x.to_numpy() @ model.fit.estimate
    same_target = table.scores["target"].to_numpy()[:, None] == table.scores["target"].to_numpy()
    v = model.fit.residual_variance * np.eye(len(rest))
    for term, variance in zip(model.coding.random, model.fit.variance, strict=True):
        v += variance * same_target * np.outer(x[term], x[term])
    expected = model.fit.residual_variance * np.linalg.solve(v, rest)
    np.testing.assert_allclose(residuals(model.fit), expected, atol=1e-9)


def test_a_spread_that_falls_with_the_number_of_sources_is_told_and_no_other(table) -> None:
    rng = np.random.default_rng(2)
    even = rng.standard_normal(len(table.scores))
    falling = even * np.where(table.scores["n_sources"] == 1, 3.0, 1.0)
    assert (spread_tests(table, even)["p_adjusted"] > 0.05).all()
    tests = spread_tests(table, falling)
    assert (tests["p_adjusted"] < 0.05).all(), "a single source is SS-R: both differ"
    first, second = sentences(residual_spread(table, falling), tests)
    assert first.startswith("Residual spread depends significantly on the number of sources on 4 of 4 targets")
    assert "with 4 sources is" in first and "on the strategy on 4 of 4" in second


def test_the_test_is_levenes_around_medians(table) -> None:
    values = np.random.default_rng(3).standard_normal(len(table.scores))
    here = table.scores.assign(e=values)
    here = here[here["target"] == "gtzan"]
    expected = stats.levene(*[group["e"] for _, group in here.groupby("n_sources")], center="median")
    row = spread_tests(table, values).set_index(["target", "by"]).loc[("gtzan", "n_sources")]
    assert (row["statistic"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert (row["df1"], row["df2"]) == (3, len(here) - 4)


@pytest.mark.parametrize(("draw", "sd", "least"), [
    (lambda rng, n: rng.standard_normal((600, n)), 1.0, 0.93),
    (lambda rng, n: rng.uniform(size=(600, n)), np.sqrt(1 / 12), 0.93),
    (lambda rng, n: rng.exponential(size=(600, n)), 1.0, 0.86),
], ids=["normal", "uniform", "exponential"])  # fmt: skip
def test_intervals_of_a_deviation_cover_it(draw, sd: float, least: float) -> None:
    low, high = np.transpose([deviation_interval(one) for one in draw(np.random.default_rng(4), 40)])
    assert ((low < sd) & (sd < high)).mean() > least
    long = draw(np.random.default_rng(5), 2000)[0]
    low, high = deviation_interval(long)
    assert low < long.std(ddof=1) < high < 1.15 * low


def test_values_that_do_not_differ_have_no_interval() -> None:
    assert np.isnan(deviation_interval(np.ones(8))).all()


def test_without_a_fit_there_is_nothing(table) -> None:
    assert residual_spread(table, None).empty
    assert spread_tests(table, None).empty
    assert list(sentences(residual_spread(table, None), spread_tests(table, None))) == []
