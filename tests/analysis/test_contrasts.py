from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.contrasts import holm, marginal_means, strategies_at, tukey
from analysis.fitting.inference import fixed_effects
from analysis.results_table import results_table
from study.core.coding import first_model
from study.core.strategies import STRATEGIES
from tests.analysis.by_target import fit_by_target


def test_holm_as_r_adjusts() -> None:
    # p.adjust(c(0.01, 0.04, 0.03, 0.5), "holm")
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.5])), [0.04, 0.09, 0.09, 0.5])


def test_tukey_as_r_adjusts() -> None:
    # ptukey(sqrt(2) * c(2.1, 3.4, 0.5), 6, c(6.5, 12, 2000), lower.tail = FALSE)
    adjusted = tukey(np.array([2.1, -3.4, 0.5]), np.array([6.5, 12, 2000]), 6)
    np.testing.assert_allclose(adjusted, [0.386491332578, 0.046672938537, 0.996181208998], rtol=1e-8)


def test_two_means_need_no_adjustment() -> None:
    t, df = np.array([2.1]), np.array([6.5])
    assert tukey(t, df, 2) == pytest.approx(2 * stats.t.sf(t, df))


@pytest.fixture(scope="module")
def fit(results):
    scores = results_table(results, {}).scores
    coding = first_model(scores)
    return fit_by_target(scores["z"].to_numpy(), coding.columns, coding.random, scores["target"])


def test_marginal_means_are_the_lines_at_the_mean(fit) -> None:
    means = marginal_means(fit, 1.5, STRATEGIES).set_index("strategy")
    effects = fixed_effects(fit).set_index("term")["estimate"]
    assert means.loc["MS-CR@4", "estimate"] == pytest.approx(
        effects["strategy[MS-CR@4]"] + 1.5 * effects["strategy[MS-CR@4]:n_star"]
    )
    assert means.loc["SS-R", "estimate"] == pytest.approx(effects["strategy[SS-R]"])


def test_means_are_of_the_strategies_that_have_one_there(results) -> None:
    rows = results[(results["strategy"] != "MS-CR@4") | (results["n_sources"] == 4)]
    scores = results_table(rows, {}).scores
    coding = first_model(scores)
    of_some = fit_by_target(scores["z"].to_numpy(), coding.columns, coding.random, scores["target"])
    others = [name for name in STRATEGIES if name != "MS-CR@4"]
    assert strategies_at(of_some, scores, 0.0) == strategies_at(of_some, scores, 1.5) == others
    assert strategies_at(of_some, scores, 2.0) == list(STRATEGIES)
    assert strategies_at(of_some, scores.drop(columns="n_sources"), 0.0) == list(STRATEGIES)
    assert list(marginal_means(of_some, 1.5, others)["strategy"]) == others


def test_marginal_means_take_further_factors_at_their_mean(results) -> None:
    width = results["run_id"].str.removeprefix("run").where(results["phase"] != "baseline", "0").astype(int) % 2 + 1.0
    scores = results_table(results.assign(**{"factor.width": width}), {}).scores
    coding = first_model(scores, {"width": (1.0, 2.0)})
    fit = fit_by_target(scores["z"].to_numpy(), coding.columns, coding.random, scores["target"])
    mean = marginal_means(fit, 0.0, STRATEGIES).set_index("strategy").loc["SS-R", "estimate"]
    effects = pd.Series(fit.estimate, fit.fixed_terms)
    half = scores["factor.width"].mean() - 1.0
    assert mean == pytest.approx(effects["strategy[SS-R]"] + half * effects["factor.width"])
