from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.exhibits.caterpillar import effects_by_target
from analysis.exhibits.diagnostics import diagnose, sentences, shown
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.random_terms import RandomTerm
from analysis.models import strategy_model
from analysis.results_table import results_table


def fit_of(noise: np.ndarray, deviation: float = 1.0) -> MixedFit:
    """Seven targets of as many rows, an intercept by target."""
    rng = np.random.default_rng(7)
    target = np.repeat([f"t{k}" for k in range(7)], len(noise) // 7)
    y = np.repeat(deviation * rng.standard_normal(7), len(noise) // 7) + noise
    one = pd.DataFrame({"intercept": np.ones(len(y))})
    return fit_mixed(y, one, [RandomTerm("target", target, one)])


def test_scores_as_the_model_has_them_are_told_from_others() -> None:
    rng = np.random.default_rng(0)
    normal = diagnose("strategy", fit_of(rng.standard_normal(1400)), rng)
    skewed = diagnose("strategy", fit_of(rng.exponential(1.0, 1400) ** 1.5), rng)
    assert normal.ks_p > 0.2 and skewed.ks_p < 0.01
    assert next(iter(sentences([normal]))).startswith(
        "The distribution of the scores does not differ significantly from what the models simulate"
    )
    assert "differs significantly from what the model strategy simulates" in next(iter(sentences([skewed])))


def test_the_distance_from_uniform_is_that_of_kolmogorov_and_smirnov() -> None:
    rng = np.random.default_rng(1)
    found = diagnose("strategy", fit_of(rng.standard_normal(210)), rng)
    assert found.ks == pytest.approx(stats.kstest(found.quantile, "uniform").statistic)
    assert ((found.quantile > 0.0) & (found.quantile < 1.0)).all()


def test_p_is_uniform_though_scores_of_a_target_hang_together() -> None:
    """With few targets that differ much, a table of the statistic would call most true models wrong."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(40):
        target = np.repeat(np.arange(7), 20)
        y = 2.0 * rng.standard_normal(7)[target] + rng.standard_normal(140)
        one = pd.DataFrame({"intercept": np.ones(140)})
        found.append(diagnose("strategy", fit_mixed(y, one, [RandomTerm("target", target, one)]), rng))
    assert np.mean([one.ks_p < 0.05 for one in found]) <= 0.1
    assert np.mean([stats.kstest(one.quantile, "uniform").pvalue < 0.05 for one in found]) > 0.15


def test_residuals_and_fitted_values_make_up_the_scores(results) -> None:
    table = results_table(results, {})
    model = strategy_model(table, {})
    found = diagnose("strategy", model.fit, np.random.default_rng(0))
    np.testing.assert_allclose(found.fitted + found.residual, table.scores["z"])
    items = {one.name: one for one in shown(table.scores, [model], [found])}
    assert list(items["residuals"].frame.columns[-3:]) == ["fitted_strategy", "residual_strategy", "quantile_strategy"]
    assert f"D = {found.ks:.3f}" in items["diagnostics_strategy"].caption


def test_what_a_target_adds_is_shrunk_by_the_known_factor() -> None:
    fit = fit_of(np.random.default_rng(3).standard_normal(70))
    found = effects_by_target(fit).set_index("target")
    means = pd.Series(fit.y).groupby(np.repeat([f"t{k}" for k in range(7)], 10)).mean() - fit.estimate[0]
    shrinkage = fit.variance[0] / (fit.variance[0] + fit.residual_variance / 10)
    np.testing.assert_allclose(found["mode"], shrinkage * means)
    np.testing.assert_allclose(found["se"], np.sqrt(fit.variance[0] * (1.0 - shrinkage)))
    np.testing.assert_allclose(found["high"] - found["low"], 2 * 1.959964 * found["se"], rtol=1e-6)
