from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.fitting import random_layout
from analysis.fitting.bootstrap import _simulated, percentile_interval, refit, simulate_responses
from analysis.fitting.cross_products import Response, response_of
from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.random_terms import RandomTerm
from tests.analysis.by_target import fit_by_target


@pytest.fixture(scope="module")
def by_group() -> MixedFit:
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(12), rng.integers(3, 9, 12))
    columns = pd.DataFrame({"intercept": 1.0, "x": rng.standard_normal(len(group))})
    y = rng.standard_normal(12)[group] + 0.5 * columns["x"] + rng.standard_normal(len(group))
    return fit_by_target(y.to_numpy(), columns, ["intercept", "x"], group)


@pytest.fixture(scope="module")
def crossed() -> MixedFit:
    """Correlated slopes by a factor that is the border, crossed with another's intercepts."""
    rng = np.random.default_rng(7)
    n = 90
    first, second, x = rng.integers(0, 4, n), rng.integers(0, 10, n), rng.standard_normal(n)
    fixed = pd.DataFrame({"intercept": 1.0, "x": x})
    y = rng.standard_normal(4)[first] * (1.0 + x) + rng.standard_normal(10)[second] + rng.standard_normal(n)
    terms = [RandomTerm("first", first, fixed, True), RandomTerm("second", second, fixed[["intercept"]])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_layout, "WORTH_A_BORDER", 9.0)
        return fit_mixed(y, fixed, terms)


def _numbers(response: Response) -> np.ndarray:
    return np.concatenate([array.reshape(len(response.rest), -1) for array in response.arrays], axis=1)


@pytest.mark.parametrize("kind", ["by_group", "crossed"])
@pytest.mark.slow
def test_cross_products_are_drawn_as_those_of_simulated_rows(kind: str, request: pytest.FixtureRequest) -> None:
    fit: MixedFit = request.getfixturevalue(kind)
    assert (fit.design.border.n_columns > 0) == (kind == "crossed")
    rng, n_draws, x, layout = np.random.default_rng(6), 4000, fit.fixed.to_numpy(), fit.layout
    drawn = np.concatenate([_numbers(one) for one in _simulated(fit, n_draws, rng)])
    w = np.hstack([layout.u, x])
    responses = simulate_responses(fit, n_draws, rng) - x @ fit.estimate
    slow = _numbers(response_of(fit.design, responses, w, layout.z, layout.block))
    varies = slow.std(axis=0) > 0.0  # where X is in the span of Z, its own coefficients are 0
    drawn, slow = drawn[:, varies], slow[:, varies]
    error = np.sqrt((drawn.var(axis=0) + slow.var(axis=0)) / n_draws)
    assert (np.abs(drawn.mean(axis=0) - slow.mean(axis=0)) < 5 * error).all()
    np.testing.assert_allclose(drawn.std(axis=0), slow.std(axis=0), rtol=0.12)
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(slow.T), atol=0.12)


def test_simulated_responses_have_the_covariance_of_the_fit(crossed: MixedFit) -> None:
    expected = np.eye(crossed.n_rows)
    for term, covariance in zip(crossed.random, crossed.relative_covariance, strict=True):
        columns = term.columns.to_numpy()
        expected += (term.levels[:, None] == term.levels) * (columns @ covariance @ columns.T)
    responses = simulate_responses(crossed, 4000, np.random.default_rng(8))
    sd = np.sqrt(np.diag(expected) * crossed.residual_variance)
    np.testing.assert_allclose(responses.mean(axis=0), crossed.fixed.to_numpy() @ crossed.estimate, atol=0.1 * sd.max())
    apart = np.cov(responses.T) / crossed.residual_variance - expected
    assert np.abs(apart / np.sqrt(np.outer(np.diag(expected), np.diag(expected)))).max() < 0.1


def test_refits_spread_as_the_standard_errors_say(by_group: MixedFit) -> None:
    fit = by_group
    refits = refit(fit, 400, np.random.default_rng(7))
    assert refits.n_uncertified == 0
    np.testing.assert_allclose(refits.estimate.std(axis=0), fixed_effects(fit)["se"], rtol=0.15)
    low, high = percentile_interval(refits.estimate)
    assert ((low < fit.estimate) & (fit.estimate < high)).all()
    assert (refits.zero_share() == (refits.variance == 0).mean(axis=0)).all()


def test_the_same_seed_gives_the_same_refits(by_group: MixedFit) -> None:
    first, second = (refit(by_group, 20, np.random.default_rng(8)) for _ in range(2))
    np.testing.assert_array_equal(first.estimate, second.estimate)


def test_crossed_and_correlated_fits_are_refitted_too(crossed: MixedFit) -> None:
    refits = refit(crossed, 300, np.random.default_rng(9))
    assert refits.n_uncertified == 0
    np.testing.assert_allclose(refits.estimate.std(axis=0), fixed_effects(crossed)["se"], rtol=0.2)
    assert refits.variance.shape == refits.boundary.shape == (300, 3)
    # A singular covariance matrix puts both its variances on the boundary, which are not zero for that.
    assert (refits.boundary[:, 0] == refits.boundary[:, 1]).all()
    assert 0.0 < refits.zero_share()[0] < 1.0
    assert (refits.variance[refits.boundary[:, 0], 0] > 0.0).any()


def test_no_replicates_are_no_refits(by_group: MixedFit) -> None:
    refits = refit(by_group, 0, np.random.default_rng(1))
    assert refits.estimate.shape == (0, 2) and refits.n_uncertified == 0
    assert np.isnan(percentile_interval(refits.estimate)).all()
