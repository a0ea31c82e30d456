"""Numbers of lme4 and lmerTest: tests/reference/mixed_models.R, on the tables of mixed_models_data.py."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.mixed_model import MixedFit, NotCertified, contrast_tests, fit_by_group, fit_mixed, fixed_effects
from analysis.random_terms import RandomTerm
from study.coding import SINGLE, first_model, second_model, strategy_columns
from study.errors import InputFaults

REFERENCE = Path(__file__).parents[1] / "reference"
LME4 = json.loads((REFERENCE / "mixed_models.json").read_text())
CASES = [name for name in LME4 if name != "versions"]


def fit_case(case: str) -> MixedFit:
    rows = table(case.split("_")[0] if case != "components" else "unbalanced")
    if case == "components":
        rows = rows[(rows["target"] == "t0") & (rows["strategy"] != SINGLE)]
        one = pd.DataFrame({"intercept": np.ones(len(rows))})
        sources = [RandomTerm(name, rows[name].to_numpy(), one) for name in rows if name.startswith("source.")]
        return fit_mixed(rows["score"].to_numpy(), strategy_columns(rows), sources)
    coding = first_model(rows) if case.endswith("first") else second_model(rows)
    return fit_by_group(rows["score"].to_numpy(), coding.columns, coding.random, rows["target"])


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"mixed_models_{name}.csv")


def assert_agrees(case: str, lme4: dict) -> None:
    fit = fit_case(case)
    fixed = fixed_effects(fit)
    assert fit.criterion == pytest.approx(lme4["criterion"], abs=1e-6)
    assert np.sqrt(fit.residual_variance) == pytest.approx(lme4["sigma"], abs=1e-5)
    np.testing.assert_allclose(np.sqrt(fit.variance / fit.residual_variance), lme4["relative_sd"], atol=1e-4)
    np.testing.assert_allclose(fixed["estimate"], lme4["estimate"], atol=1e-5)
    np.testing.assert_allclose(fixed["se"], lme4["se"], atol=1e-5)
    np.testing.assert_allclose(fixed["df"], lme4["df"], rtol=0.01)
    np.testing.assert_allclose(fixed["p"], lme4["p"], rtol=0.01)
    weights = np.zeros((1, len(fixed)))
    weights[0, [0, -1]] = -1, 1
    difference = contrast_tests(fit, weights).iloc[0]
    for key, expected in lme4["last_less_first"].items():
        assert difference[key] == pytest.approx(expected, abs=1e-5, rel=0.01 if key == "df" else 1e-12)


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_lme4(case: str) -> None:
    assert_agrees(case, LME4[case])


@pytest.mark.lme4
def test_agrees_with_lme4_run_now() -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    script = ["Rscript", str(REFERENCE / "mixed_models.R"), "unbalanced_first", "components"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    if "there is no package called" in done.stderr:
        pytest.skip("R has no lme4, lmerTest or jsonlite")
    assert done.returncode == 0, done.stderr
    fresh = json.loads(done.stdout)
    for case in ("unbalanced_first", "components"):
        assert_agrees(case, fresh[case])


def test_the_singular_case_is_singular_and_the_balanced_one_is_not() -> None:
    assert fit_case("singular_first").singular
    assert not fit_case("balanced_first").singular


def test_in_a_balanced_design_fixed_effects_are_least_squares() -> None:
    rows = table("balanced")
    coding = first_model(rows)
    least_squares = np.linalg.lstsq(coding.columns.to_numpy(), rows["score"].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(fit_case("balanced_first").estimate, least_squares, atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(order=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(order) -> None:
    rows = table("unbalanced")
    shuffled = rows.iloc[order.sample(range(len(rows)), len(rows))]
    coding = second_model(shuffled)
    fit = fit_by_group(shuffled["score"].to_numpy(), coding.columns, coding.random, shuffled["target"])
    assert fit.criterion == pytest.approx(LME4["unbalanced_second"]["criterion"], abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100), unit=st.floats(1e-2, 1e2))
def test_scaling_the_scores_and_a_column_scales_the_fit(scale: float, shift: float, unit: float) -> None:
    rows = table("unbalanced")
    coding = first_model(rows)
    columns = coding.columns.copy()
    columns["strategy[MSS-CR]:n_star"] *= unit
    before = fit_case("unbalanced_first")
    after = fit_by_group(scale * rows["score"].to_numpy() + shift, columns, coding.random, rows["target"])
    expected = scale * before.estimate + shift * np.array([not term.endswith("n_star") for term in before.fixed_terms])
    expected[-1] /= unit
    sd = scale * np.sqrt(before.variance)
    sd[-1] /= unit
    np.testing.assert_allclose(after.estimate, expected, rtol=1e-5, atol=1e-5 * scale)
    np.testing.assert_allclose(np.sqrt(after.variance), sd, rtol=1e-4, atol=1e-6 * scale)
    np.testing.assert_allclose(fixed_effects(after)["df"], fixed_effects(before)["df"], rtol=1e-3)


def test_planted_effects_come_back_inside_their_intervals() -> None:
    rng = np.random.default_rng(11)
    n_groups, per_group = 30, 40
    group = np.repeat([f"g{j:02d}" for j in range(n_groups)], per_group)
    steps = np.tile(np.arange(per_group) % 5, n_groups)
    intercepts, slopes = 2.0 + 0.8 * rng.standard_normal(n_groups), -0.3 + 0.2 * rng.standard_normal(n_groups)
    y = np.repeat(intercepts, per_group) + np.repeat(slopes, per_group) * steps + rng.standard_normal(len(group))
    columns = pd.DataFrame({"intercept": 1.0, "steps": steps})
    fit = fit_by_group(y, columns, ["intercept", "steps"], group)
    fixed = fixed_effects(fit)
    assert ((fixed["ci_low"] < [2.0, -0.3]) & (fixed["ci_high"] > [2.0, -0.3])).all()
    np.testing.assert_allclose(np.sqrt(fit.variance), [0.8, 0.2], rtol=0.35)
    assert fit.residual_variance == pytest.approx(1.0, rel=0.1)


def test_dependent_fixed_terms_are_named() -> None:
    rows = table("balanced")
    columns = strategy_columns(rows).assign(all_one=1.0)
    with pytest.raises(InputFaults, match="'all_one': a linear combination of the terms before it"):
        fit_by_group(rows["score"].to_numpy(), columns, ["strategy[SS-R]"], rows["target"])


def test_more_terms_than_rows_is_a_fault() -> None:
    columns = pd.DataFrame(np.eye(3), columns=list("abc"))
    with pytest.raises(InputFaults, match="expected more rows than the 3 fixed terms"):
        fit_by_group(np.arange(3.0), columns, ["a"], ["x", "y", "y"])


def test_a_variance_that_cannot_be_told_from_the_residual_is_named_and_nothing_is_reported() -> None:
    columns = pd.DataFrame({"intercept": np.ones(6)})
    with pytest.raises(NotCertified, match="from the residual: intercept"):
        fit_by_group(np.arange(6.0), columns, ["intercept"], list("abcdef"))


def test_scores_without_a_residual_are_not_fitted() -> None:
    columns = pd.DataFrame({"intercept": 1.0, "x": [0.0, 1, 2, 0, 1, 2]})
    with pytest.raises(NotCertified, match="reproduce every score"):
        fit_by_group(1.0 + 2.0 * columns["x"].to_numpy(), columns, ["intercept"], list("aaabbb"))


def test_random_effects_that_reproduce_every_score_are_no_fit() -> None:
    rng = np.random.default_rng(2)
    group, x = np.repeat(list("abcd"), 4), np.tile(np.arange(4.0), 4)
    y = np.repeat(rng.standard_normal(4), 4) + np.repeat(rng.standard_normal(4), 4) * x
    with pytest.raises(NotCertified, match="no certified optimum"):
        fit_by_group(y, pd.DataFrame({"intercept": 1.0, "x": x}), ["intercept", "x"], group)


def test_a_fit_that_is_not_certified_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.projected_newton.MAX_ITERATIONS", 1)
    with pytest.raises(NotCertified, match="no certified optimum"):
        fit_case("balanced_first")
