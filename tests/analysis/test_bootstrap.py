from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.bootstrap import _simulated, percentile_interval, refit
from analysis.cross_products import response_of
from analysis.mixed_model import MixedFit, fit_by_group, fixed_effects


@pytest.fixture(scope="module")
def fitted() -> tuple[MixedFit, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(12), rng.integers(3, 9, 12))
    columns = pd.DataFrame({"intercept": 1.0, "x": rng.standard_normal(len(group))})
    y = rng.standard_normal(12)[group] + 0.5 * columns["x"] + rng.standard_normal(len(group))
    return fit_by_group(y.to_numpy(), columns, ["intercept", "x"], group), columns, group


def test_cross_products_are_drawn_as_those_of_simulated_rows(fitted) -> None:
    fit, columns, _ = fitted
    codes = fit.layout.block
    rng, x, n_draws = np.random.default_rng(6), columns.to_numpy(), 4000
    drawn = [np.concatenate([one.zy.reshape(len(one.yy), -1), one.wy, one.yy[:, None]], axis=1)
             for one in _simulated(fit, n_draws, rng)]  # fmt: skip
    drawn = np.concatenate(drawn)
    slow = []
    for _ in range(n_draws):
        effects = rng.standard_normal((codes.max() + 1, 2)) * np.sqrt(fit.variance)
        y = (x * effects[codes]).sum(axis=1) + np.sqrt(fit.residual_variance) * rng.standard_normal(len(x))
        one = response_of(y, x, fit.layout.z, codes)
        slow.append(np.concatenate([one.zy.ravel(), one.wy.ravel(), one.yy]))
    slow = np.array(slow)
    error = np.sqrt((drawn.var(axis=0) + slow.var(axis=0)) / n_draws)
    assert (np.abs(drawn.mean(axis=0) - slow.mean(axis=0)) < 5 * error).all()
    np.testing.assert_allclose(drawn.std(axis=0), slow.std(axis=0), rtol=0.12)


def test_refits_spread_as_the_standard_errors_say(fitted) -> None:
    fit, _, _ = fitted
    refits = refit(fit, 400, np.random.default_rng(7))
    assert refits.n_uncertified == 0
    np.testing.assert_allclose(refits.estimate.std(axis=0), fixed_effects(fit)["se"], rtol=0.15)
    low, high = percentile_interval(refits.estimate)
    assert ((low < fit.estimate) & (fit.estimate < high)).all()
    assert (refits.zero_share() == (refits.variance == 0).mean(axis=0)).all()


def test_the_same_seed_gives_the_same_refits(fitted) -> None:
    first, second = (refit(fitted[0], 20, np.random.default_rng(8)) for _ in range(2))
    np.testing.assert_array_equal(first.estimate, second.estimate)
