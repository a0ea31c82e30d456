from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis import component_intervals
from analysis.component_intervals import limits, share_intervals


def drawn(seed: int, sd: list[float], n_runs: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y, fixed columns and presence of a study with residual 1 and these deviations of the sources' effects."""
    rng = np.random.default_rng(seed)
    present = rng.integers(0, 2, (n_runs, len(sd))).astype(float)
    fixed = np.eye(3)[rng.integers(0, 3, n_runs)]
    differences = np.sqrt(2.0) * np.array(sd) * rng.standard_normal(len(sd))
    return present @ differences + rng.standard_normal(n_runs), fixed, present


@pytest.mark.parametrize("sd", [[1.0] * 4, [2.0, 0.2, 0.2, 0.2], [1.0, 0.0, 0.0, 0.0]])
def test_intervals_cover_the_shares_whatever_these_are(sd: list[float], monkeypatch) -> None:
    monkeypatch.setattr(component_intervals, "DRAWS", 1000)
    rng, truth = np.random.default_rng(0), np.square(sd) / np.square(sd).sum()
    missed = np.zeros((2, len(sd)))
    for seed in range(150):
        low, high = share_intervals(*drawn(seed, sd), rng)
        missed += [low > truth, high < truth]
    assert missed.max() <= stats.binom.ppf(0.9995, 150, 0.025)


def test_without_noise_the_upper_limit_is_by_f(monkeypatch) -> None:
    monkeypatch.setattr(component_intervals, "DRAWS", 100_000)
    d = np.array([1.0, 3.0, -2.0, 0.5])
    _, high = limits(d, np.eye(4), 1e-12, 1000, np.random.default_rng(1))
    odds = d**2 / ((d**2).sum() - d**2) / stats.f.ppf(0.025, 1, 3)
    np.testing.assert_allclose(high / (1.0 - high), odds, rtol=0.1)


def test_without_noise_the_limits_of_two_sources_are_by_f(monkeypatch) -> None:
    monkeypatch.setattr(component_intervals, "DRAWS", 100_000)
    low, high = limits(np.array([3.0, 1.0]), np.eye(2), 1e-12, 1000, np.random.default_rng(1))
    ends = np.array([low[0], high[0]])
    np.testing.assert_allclose(ends / (1.0 - ends), 9.0 / stats.f.ppf([0.975, 0.025], 1, 1), rtol=0.1)


def test_variances_drawn_give_correlated_differences_the_chi_squared_drawn() -> None:
    """The pivots: d' (2 diag(v) + sigma^2 C)^-1 d is the sum of the chi-squared, where none was cut off at zero."""
    d, c, n = np.array([-3.5, 3.5, 4.0]), np.full((3, 3), 0.9) + 0.1 * np.eye(3), 1000
    sigma2 = np.linspace(0.5, 2.0, n)
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    v = component_intervals._each(d, c, sigma2, rng)
    again.permuted(np.tile(np.arange(3), (n, 1)), axis=1)
    of_each = again.chisquare(1, (n, 3)).sum(axis=1)
    own, others = component_intervals._against_sum(0, d, c, sigma2, rng)
    of_sum = again.chisquare(2, n) + again.chisquare(1, n)
    for drawn_v, chi2 in ((v, of_each), (np.column_stack([own, others / 2.0, others / 2.0]), of_sum)):
        covariance = sigma2[:, None, None] * c + 2.0 * drawn_v[:, :, None] * np.eye(3)
        pivot = (np.linalg.solve(covariance, np.tile(d[:, None], (n, 1, 1)))[..., 0] * d).sum(axis=1)
        uncut = (drawn_v > 0.0).all(axis=1)
        assert uncut.mean() > 0.9
        np.testing.assert_allclose(pivot[uncut], chi2[uncut], rtol=1e-5)


def test_the_upper_limit_reaches_all_where_an_f_test_finds_no_other_source() -> None:
    d, c, df = np.array([5.0, 0.9, -1.0, 0.8]), np.eye(4) + 0.3, 40
    by_others = d[1:] @ np.linalg.solve(c[1:, 1:], d[1:]) / 3
    critical = stats.f.ppf(0.975, 3, df)
    for wide, reached in ((1.1, True), (0.6, False)):
        _, high = limits(d, c, wide * df * by_others / critical, df, np.random.default_rng(2))
        assert (high[0] == 1.0) == reached


def test_intervals_do_not_hang_on_correlated_sources_being_named_in_an_order() -> None:
    y, fixed, present = drawn(3, [1.0, 0.5, 2.0])
    present[:, 1] = np.where(np.arange(len(present)) % 5, present[:, 0], present[:, 1])
    there = share_intervals(y, fixed, present, np.random.default_rng(4))
    back = share_intervals(y, fixed, present[:, ::-1], np.random.default_rng(5))[:, ::-1]
    np.testing.assert_allclose(there, back, atol=0.02)


def test_what_least_squares_cannot_tell_may_be_anything() -> None:
    y, fixed, present = drawn(6, [1.0, 1.0, 1.0], n_runs=12)
    present[:, 2] = present[:, 0]
    rng = np.random.default_rng(7)
    np.testing.assert_array_equal(share_intervals(y, fixed, present, rng), [[0.0] * 3, [1.0] * 3])
    y, fixed, present = drawn(8, [1.0, 1.0, 1.0], n_runs=6)
    np.testing.assert_array_equal(share_intervals(y, fixed, present, rng), [[0.0] * 3, [1.0] * 3])


def test_without_any_sign_of_sources_nothing_is_excluded() -> None:
    y, fixed, present = drawn(9, [0.0] * 4)
    x = np.hstack([fixed, present])
    y = y - present @ np.linalg.lstsq(x, y, rcond=None)[0][3:] * (1.0 - 1e-6)
    low, high = share_intervals(y, fixed, present, np.random.default_rng(10))
    assert (low == 0.0).all() and (high == 1.0).all()


def test_a_single_source_has_all_of_the_sum() -> None:
    y, fixed, present = drawn(11, [1.0])
    np.testing.assert_array_equal(share_intervals(y, fixed, present, np.random.default_rng(12)), [[1.0], [1.0]])
