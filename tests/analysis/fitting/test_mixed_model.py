"""What must hold of every fit, and of what cannot be fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.fitting.bootstrap import refit
from analysis.fitting.conditional import modes
from analysis.fitting.inference import contrast_tests, fixed_effects
from analysis.fitting.mixed_model import MixedFit, NotCertified, fit_at, fit_mixed
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from study.core.coding import first_model, strategy_columns
from study.core.errors import InputFaults
from tests.analysis.by_target import fit_by_target

REFERENCE = Path(__file__).parents[2] / "reference"


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"mixed_models_{name}.csv")


def first_fit(name: str) -> MixedFit:
    rows = table(name)
    coding = first_model(rows)
    return fit_by_target(rows["score"].to_numpy(), coding.columns, coding.random, rows["target"])


def test_in_a_balanced_design_fixed_effects_are_least_squares() -> None:
    rows = table("balanced")
    coding = first_model(rows)
    least_squares = np.linalg.lstsq(coding.columns.to_numpy(), rows["score"].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(first_fit("balanced").estimate, least_squares, atol=1e-9)


def crossed_and_correlated(seed: int = 3, n: int = 240) -> tuple[np.ndarray, pd.DataFrame, list[RandomTerm]]:
    """Slopes correlated with intercepts by one factor, crossed with intercepts by another."""
    rng = np.random.default_rng(seed)
    first, second, x = rng.integers(0, 12, n), rng.integers(0, 30, n), rng.standard_normal(n)
    fixed = pd.DataFrame({"intercept": 1.0, "x": x})
    effects = rng.standard_normal((12, 2)) @ np.array([[1.0, 0.4], [0.0, 0.5]])
    y = 2.0 + 0.5 * x + effects[first, 0] + effects[first, 1] * x + 0.6 * rng.standard_normal(30)[second]
    terms = [RandomTerm("first", first, fixed, True), RandomTerm("second", second, fixed[["intercept"]])]
    return y + rng.standard_normal(n), fixed, terms


def test_correlations_never_pass_one_by_rounding() -> None:
    fit = fit_mixed(*crossed_and_correlated())
    found = []
    for sd in np.random.default_rng(0).uniform(0.1, 3, (2000, 2)) * [1, -1]:
        singular = replace(fit, relative_covariance=(1.7 * np.outer(sd, sd), np.eye(1)))
        found.append(singular.correlations()["correlation"].item())
    assert min(found) == -1.0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), reml=st.booleans())
def test_the_order_of_rows_and_of_terms_does_not_matter(seed: int, reml: bool) -> None:
    y, fixed, terms = crossed_and_correlated()
    order = np.random.default_rng(seed).permutation(len(y))
    shuffled = [RandomTerm(t.group, t.levels[order], t.columns.iloc[order, ::-1], t.correlated) for t in terms[::-1]]
    before = fit_mixed(y, fixed, terms, reml)
    after = fit_mixed(y[order], fixed.iloc[order, ::-1], shuffled, reml)
    assert after.criterion == pytest.approx(before.criterion, abs=1e-8)
    np.testing.assert_allclose(after.estimate[::-1], before.estimate, atol=1e-6)
    expected = before.random_table().set_index(["group", "term"])["sd"]
    found = after.random_table().set_index(["group", "term"])["sd"]
    np.testing.assert_allclose(found.loc[expected.index], expected, rtol=1e-4)
    np.testing.assert_allclose(after.correlations()["correlation"], before.correlations()["correlation"], atol=1e-4)


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100), unit=st.floats(1e-2, 1e2))
def test_scaling_scales_correlated_and_crossed_fits(scale: float, shift: float, unit: float) -> None:
    y, fixed, terms = crossed_and_correlated()
    before = fit_mixed(y, fixed, terms)
    columns = fixed.assign(x=unit * fixed["x"])
    first = RandomTerm("first", terms[0].levels, columns, True)
    after = fit_mixed(scale * y + shift, columns, [first, terms[1]])
    np.testing.assert_allclose(after.estimate, before.estimate * (scale, scale / unit) + (shift, 0.0), rtol=1e-5)
    sd = before.random_table()["sd"] * np.array([scale, scale / unit, scale])
    np.testing.assert_allclose(after.random_table()["sd"], sd, rtol=1e-4)
    np.testing.assert_allclose(after.correlations()["correlation"], before.correlations()["correlation"], atol=1e-4)
    np.testing.assert_allclose(fixed_effects(after)["df"], fixed_effects(before)["df"], rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n_groups=st.integers(3, 12), size=st.integers(2, 8), reml=st.booleans())
def test_a_balanced_one_way_layout_has_the_variances_of_its_mean_squares(seed, n_groups, size, reml) -> None:
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n_groups)[:, None] * rng.choice([0.0, 1.0]) + rng.standard_normal((n_groups, size))
    fit = fit_by_target(y.ravel(), pd.DataFrame({"one": np.ones(y.size)}), ["one"], np.repeat(range(n_groups), size))
    if not reml:
        fit = fit_mixed(fit.y, fit.fixed, fit.random, reml=False)
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / (n_groups * (size - 1))
    between = size * ((y.mean(axis=1) - y.mean()) ** 2).sum() / (n_groups - (1 if reml else 0))
    if between <= within:
        within = between = ((y - y.mean()) ** 2).sum() / (y.size - (1 if reml else 0))
    assert fit.singular == (between == within)
    assert fit.residual_variance == pytest.approx(within, rel=1e-5)
    assert fit.variance[0] == pytest.approx((between - within) / size, rel=1e-4, abs=1e-6)
    row = fixed_effects(fit).iloc[0]
    assert row["se"] == pytest.approx(np.sqrt(between / y.size), rel=1e-5)
    if reml:  # Satterthwaite's are exact here: those of the mean square that the standard error is made of
        df = y.size - 1 if fit.singular else n_groups - 1
        assert row["df"] == pytest.approx(df, rel=1e-3)
        assert row["p"] == pytest.approx(2 * stats.t.sf(abs(row["t"]), df), rel=0.01, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100), unit=st.floats(1e-2, 1e2))
def test_scaling_the_scores_and_a_column_scales_the_fit(scale: float, shift: float, unit: float) -> None:
    rows = table("unbalanced")
    coding = first_model(rows)
    columns = coding.columns.copy()
    columns["strategy[MSS-CR]:n_star"] *= unit
    before = first_fit("unbalanced")
    after = fit_by_target(scale * rows["score"].to_numpy() + shift, columns, coding.random, rows["target"])
    expected = scale * before.estimate + shift * np.array([not term.endswith("n_star") for term in before.fixed_terms])
    expected[-1] /= unit
    sd = scale * np.sqrt(before.variance)
    sd[-1] /= unit
    np.testing.assert_allclose(after.estimate, expected, rtol=1e-5, atol=1e-5 * scale)
    np.testing.assert_allclose(np.sqrt(after.variance), sd, rtol=1e-4, atol=1e-6 * scale)
    np.testing.assert_allclose(fixed_effects(after)["df"], fixed_effects(before)["df"], rtol=1e-3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_balanced_crossed_layout_has_the_variances_of_its_mean_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = 6, 9
    y = 2.0 * rng.standard_normal((a, 1)) + 2.0 * rng.standard_normal(b) + rng.standard_normal((a, b))
    rows, columns = y.mean(axis=1, keepdims=True), y.mean(axis=0)
    of_rows, of_columns = b * rows.var(ddof=1), a * columns.var(ddof=1)
    rest = ((y - rows - columns + y.mean()) ** 2).sum() / ((a - 1) * (b - 1))
    one = pd.DataFrame({"one": np.ones(y.size)})
    terms = [RandomTerm("row", np.repeat(range(a), b), one), RandomTerm("column", np.tile(range(b), a), one)]
    fit = fit_mixed(y.ravel(), one, terms)
    assume(not fit.singular)
    assert fit.residual_variance == pytest.approx(rest, rel=1e-5)
    np.testing.assert_allclose(fit.variance, [(of_rows - rest) / b, (of_columns - rest) / a], rtol=1e-4)
    row = fixed_effects(fit).iloc[0]
    of_mean = of_rows + of_columns - rest
    assert row["se"] == pytest.approx(np.sqrt(of_mean / y.size), rel=1e-5)
    squares = of_rows**2 / (a - 1) + of_columns**2 / (b - 1) + rest**2 / ((a - 1) * (b - 1))
    assert row["df"] == pytest.approx(of_mean**2 / squares, rel=1e-3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_equal_designs_of_all_groups_give_the_covariance_of_their_own_estimates(seed: int) -> None:
    """Swamy (1970): that of the groups' least-squares coefficients, less the part that is sampling."""
    rng = np.random.default_rng(seed)
    n_groups, x = 10, np.column_stack([np.ones(8), np.arange(8.0)])
    effects = rng.standard_normal((n_groups, 2)) @ np.array([[3.0, 0.5], [0.0, 0.6]])
    y = effects @ x.T + rng.standard_normal((n_groups, 8))
    own = y @ np.linalg.pinv(x).T
    residual = ((y - own @ x.T) ** 2).sum() / (n_groups * 6)
    of_own = np.cov(own.T)
    fixed = pd.DataFrame(np.tile(x, (n_groups, 1)), columns=["one", "x"])
    fit = fit_mixed(y.ravel(), fixed, [RandomTerm("group", np.repeat(range(n_groups), 8), fixed, True)])
    assume(not fit.singular)
    assert fit.residual_variance == pytest.approx(residual, rel=1e-5)
    expected = of_own - residual * np.linalg.inv(x.T @ x)
    np.testing.assert_allclose(fit.relative_covariance[0] * residual, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(fit.estimate, own.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(fit.covariance, of_own / n_groups, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fixed_effects(fit)["df"], n_groups - 1, rtol=1e-3)


def test_planted_effects_come_back_inside_their_intervals() -> None:
    rng = np.random.default_rng(11)
    n_groups, per_group = 30, 40
    group = np.repeat([f"g{j:02d}" for j in range(n_groups)], per_group)
    steps = np.tile(np.arange(per_group) % 5, n_groups)
    intercepts, slopes = 2.0 + 0.8 * rng.standard_normal(n_groups), -0.3 + 0.2 * rng.standard_normal(n_groups)
    y = np.repeat(intercepts, per_group) + np.repeat(slopes, per_group) * steps + rng.standard_normal(len(group))
    columns = pd.DataFrame({"intercept": 1.0, "steps": steps})
    fit = fit_by_target(y, columns, ["intercept", "steps"], group)
    fixed = fixed_effects(fit)
    assert ((fixed["ci_low"] < [2.0, -0.3]) & (fixed["ci_high"] > [2.0, -0.3])).all()
    np.testing.assert_allclose(np.sqrt(fit.variance), [0.8, 0.2], rtol=0.35)
    assert fit.residual_variance == pytest.approx(1.0, rel=0.1)


def test_dependent_fixed_terms_are_named() -> None:
    rows = table("balanced")
    columns = strategy_columns(rows).assign(all_one=1.0)
    with pytest.raises(InputFaults, match="'all_one': a linear combination of the terms before it"):
        fit_by_target(rows["score"].to_numpy(), columns, ["strategy[SS-R]"], rows["target"])


def test_more_terms_than_rows_is_a_fault() -> None:
    columns = pd.DataFrame(np.eye(3), columns=list("abc"))
    with pytest.raises(InputFaults, match="expected more rows than the 3 fixed terms"):
        fit_by_target(np.arange(3.0), columns, ["a"], ["x", "y", "y"])


def test_a_variance_that_cannot_be_told_from_the_residual_is_named_and_nothing_is_reported() -> None:
    columns = pd.DataFrame({"intercept": np.ones(6)})
    with pytest.raises(NotCertified, match="intercept by target have 6 coefficients for 6 rows"):
        fit_by_target(np.arange(6.0), columns, ["intercept"], list("abcdef"))


def test_scores_without_a_residual_are_not_fitted() -> None:
    columns = pd.DataFrame({"intercept": 1.0, "x": [0.0, 1, 2, 0, 1, 2]})
    with pytest.raises(NotCertified, match="reproduce every score"):
        fit_by_target(1.0 + 2.0 * columns["x"].to_numpy(), columns, ["intercept"], list("aaabbb"))


def test_random_effects_that_reproduce_every_score_are_no_fit() -> None:
    rng = np.random.default_rng(2)
    group, x = np.repeat(list("abcd"), 4), np.tile(np.arange(4.0), 4)
    y = np.repeat(rng.standard_normal(4), 4) + np.repeat(rng.standard_normal(4), 4) * x
    with pytest.raises(NotCertified, match="no certified optimum"):
        fit_by_target(y, pd.DataFrame({"intercept": 1.0, "x": x}), ["intercept", "x"], group)


def test_a_fit_that_is_not_certified_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.fitting.projected_newton.MAX_ITERATIONS", 1)
    with pytest.raises(NotCertified, match="no certified optimum"):
        first_fit("balanced")


def test_variances_that_are_no_optimum_are_not_certified() -> None:
    y, fixed, terms = crossed_and_correlated()
    best = fit_mixed(y, fixed, terms)
    covariances = [1.0 * covariance for covariance in best.relative_covariance]
    assert fit_at(y, fixed, terms, covariances).criterion == pytest.approx(best.criterion, abs=1e-9)
    covariances[1] *= 1.5
    with pytest.raises(NotCertified, match="not an optimum: the criterion there is"):
        fit_at(y, fixed, terms, covariances)
    with pytest.raises(NotCertified, match="not an optimum"):
        fit_at(y, fixed, terms, [np.zeros((2, 2)), np.zeros((1, 1))])


def test_one_level_or_confounded_terms_are_named() -> None:
    y, fixed, terms = crossed_and_correlated()
    one = RandomTerm("all", np.zeros(len(y)), fixed[["intercept"]])
    with pytest.raises(NotCertified, match="all has one level"):
        fit_mixed(y, fixed, [*terms, one])
    again = RandomTerm("again", terms[1].levels + 100, fixed[["intercept"]])
    with pytest.raises(NotCertified, match=r"from each other.*: intercept \| second, intercept \| again"):
        fit_mixed(y, fixed, [*terms, again])
    by_row = RandomTerm("row", np.arange(len(y)), fixed[["intercept"]])
    with pytest.raises(NotCertified, match="intercept by row have 240 coefficients for 240 rows"):
        fit_mixed(y, fixed, [*terms, by_row])
    zero = RandomTerm("first", terms[0].levels, fixed[["x"]] * 0.0)
    with pytest.raises(NotCertified, match=r": x \| first"):
        fit_mixed(y, fixed, [zero, terms[1]])


def test_without_random_terms_it_is_least_squares() -> None:
    y, fixed, _ = crossed_and_correlated()
    fit = fit_mixed(y, fixed, [])
    x, found = fixed.to_numpy(), fixed_effects(fit)
    estimate, (rest,), _, _ = np.linalg.lstsq(x, y, rcond=None)
    df = len(y) - x.shape[1]
    np.testing.assert_allclose(found["estimate"], estimate, rtol=1e-9)
    np.testing.assert_allclose(found["se"], np.sqrt(rest / df * np.diag(np.linalg.inv(x.T @ x))), rtol=1e-9)
    np.testing.assert_allclose(found["df"], df)
    refits = refit(fit, 200, np.random.default_rng(0))
    assert refits.variance.shape == (200, 0) and modes(fit).empty
    np.testing.assert_allclose(refits.estimate.std(axis=0), found["se"], rtol=0.2)


def test_rows_without_a_level_are_faults() -> None:
    y, fixed, terms = crossed_and_correlated()
    levels = terms[1].levels.astype(object)
    levels[:3] = None
    with pytest.raises(InputFaults, match="levels of second: 3 rows have none"):
        fit_mixed(y, fixed, [terms[0], RandomTerm("second", levels, fixed[["intercept"]])])


def test_numbers_that_are_not_finite_are_faults_all_at_once() -> None:
    y, fixed, terms = crossed_and_correlated()
    y[:2], fixed.loc[4, "x"] = np.nan, np.inf
    with pytest.raises(InputFaults) as raised:
        fit_mixed(y, fixed, terms)
    assert [fault.key for fault in raised.value.faults] == ["response", "fixed terms", "random terms by first"]
    assert "2 rows are not finite numbers" in str(raised.value)


def test_tied_coefficients_are_as_intercepts_of_one_grouping() -> None:
    """Indicators of a factor's levels by group, with one variance, are `(1 | group:factor)`."""
    rng = np.random.default_rng(8)
    group, level = np.repeat(np.arange(7), 12), np.tile(np.arange(3), 28)
    y = rng.standard_normal(84) + rng.standard_normal(21)[3 * group + level]
    fixed = pd.get_dummies(pd.Series(level), prefix="level", dtype=float)
    tied = RandomTerm("group", group, fixed, tied=True)
    one, other = fit_mixed(y, fixed, [tied]), fit_mixed(y, fixed, [intercepts_by("both", 3 * group + level)])
    assert one.criterion == pytest.approx(other.criterion, abs=1e-8)
    np.testing.assert_allclose(one.variance, np.repeat(other.variance, 3), rtol=1e-5)
    np.testing.assert_allclose(contrast_tests(one, np.eye(3)), contrast_tests(other, np.eye(3)), rtol=1e-5)
    with_units = [tied, intercepts_by("unit", np.tile(np.arange(12), 7))]
    closed = fit_mixed(y, fixed, with_units)
    assert closed.balanced is not None
    assert closed.criterion == pytest.approx(
        fit_mixed(y, fixed, [intercepts_by("both", 3 * group + level), with_units[1]]).criterion, abs=1e-8
    )
