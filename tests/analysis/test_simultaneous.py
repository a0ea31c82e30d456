"""Single-step p values and simultaneous intervals against known quantiles, and against each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.contrasts import ALPHA, NOT_SIGNIFICANT, tukey, verdicts
from analysis.fitted_model import Fitting
from analysis.models import paper_strategy_model, strategy_model
from analysis.results_table import results_table
from analysis.simultaneous import Judging, critical_p, judged, least_p
from analysis.statements import AT_MEAN, PAIRS, SLOPES


def judged_alone(t: np.ndarray, df: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"estimate": t, "se": 1.0, "df": df, "t": t, "p": 2.0 * stats.t.sf(np.abs(t), df)})


def test_independent_contrasts_are_sidaks() -> None:
    level = critical_p(np.eye(5), np.eye(5), np.full(5, 8.0), 1)
    assert level == pytest.approx(1.0 - 0.95 ** (1 / 5), rel=0.08)


def test_contrasts_that_are_one_need_no_adjustment() -> None:
    level = critical_p(np.ones((4, 4)), np.ones((4, 4)), np.full(4, 8.0), 1)
    assert level == pytest.approx(ALPHA, rel=0.06)


def test_all_pairs_of_equal_means_are_tukeys() -> None:
    pairs = (
        np.array([[1, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1], [0, 1, -1, 0], [0, 1, 0, -1], [0, 0, 1, -1]]) / 2**0.5
    )
    df, t = np.full(6, 12.0), np.array([2.5, 0.1, 1.0, -3.2, 4.5, 1.9])
    found = judged(judged_alone(t, df), pairs @ pairs.T, np.ones((6, 6)), Judging(1))
    np.testing.assert_allclose(found["p_adjusted"], tukey(t, df, 4), atol=0.008)


def test_comparisons_with_a_control_are_dunnetts() -> None:
    # Dunnett 1955, Table 2a: five comparisons, 20 degrees of freedom, two-sided 5 %: 2.70
    correlation = np.full((5, 5), 0.5) + 0.5 * np.eye(5)
    level = critical_p(correlation, np.ones((5, 5)), np.full(5, 20.0), 1)
    assert stats.t.isf(level / 2.0, 20.0) == pytest.approx(2.70, abs=0.04)


def test_each_contrast_alone_keeps_its_own_t() -> None:
    least = least_p(np.eye(1), np.eye(1), np.array([3.0]), 2)
    assert stats.kstest(least, "uniform").pvalue > 0.01


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_a_verdict_never_contradicts_its_interval(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n + 1))
    covariance = root @ root.T
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    tests = judged_alone(rng.normal(0.0, 3.0, n), rng.uniform(1.5, 50.0, n))
    found = judged(tests, correlation, np.eye(n), Judging(seed))
    without_zero = (found["ci_low"] > 0.0) | (found["ci_high"] < 0.0)
    assert ((verdicts(found["estimate"], found["p_adjusted"]) != NOT_SIGNIFICANT) == without_zero).all()
    assert (found["p_adjusted"] >= found["p"]).all() and (found["p_adjusted"] <= 1.0).all()


def test_the_families_of_the_first_model(results) -> None:
    table = results_table(results, {})
    for model in (strategy_model(table, {}), paper_strategy_model(table, {})):
        said = model.statements
        assert said["family"].value_counts().to_dict() == {PAIRS: 30, SLOPES: 5}
        assert set(said["adjustment"]) == {"max-t, 30 comparisons", "max-t, 5 comparisons"}
        estimate = dict(zip(model.fit.fixed_terms, model.fit.estimate, strict=True))
        of = said.set_index("effect")["estimate"]
        assert of["MSS-CR - SS-R"] == pytest.approx(estimate["strategy[MSS-CR]"] - estimate["strategy[SS-R]"])
        at_mean = estimate["strategy[MSS-CR]:n_star"] * model.mean_n_star
        assert of[f"MSS-CR - SS-R{AT_MEAN}"] == pytest.approx(of["MSS-CR - SS-R"] + at_mean)
        assert len(model.contrasts) == len(model.contrasts_of_means) == 15
        own = model.fixed.set_index("term").loc["strategy[MSS-CR]:n_star"]
        together = said.set_index("effect").loc["strategy[MSS-CR]:n_star"]
        assert together["ci_low"] < own["ci_low"] < own["ci_high"] < together["ci_high"]
        assert together["p"] == pytest.approx(own["p"])


def test_the_same_seed_gives_the_same_statements(results) -> None:
    table = results_table(results, {})
    first, again = (strategy_model(table, {}, Fitting(judging=Judging(3))).statements for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
