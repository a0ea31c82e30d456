from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.fitting.inference import contrast_tests
from analysis.planning.precision import Rule, floors, margins, read_rule, runs_needed, targets_needed
from analysis.planning.precision_findings import on_looks, on_margins, on_what_it_takes
from analysis.planning.simulation import Planned, simulate
from analysis.planning.truth import Truth
from study.core.coding import first_model
from study.core.errors import InputFaults
from tests.analysis.by_target import fit_by_target

TERMS = ["strategy[SS-R]", "strategy[MSS-CR]", "strategy[MS-CR@2]", "strategy[MSS-CR]:n_star", "factor.act[relu]",
         "factor.act[elu]", "factor.width"]  # fmt: skip
N_TARGETS = 5


def runs(per_cell: int) -> pd.DataFrame:
    rows = [(strategy, n) for _ in range(per_cell) for strategy in ("MS-SR@FC", "MSS-CR") for n in (2, 3, 4)]
    return pd.DataFrame(rows, columns=["strategy", "n_sources"])


def fitted(per_cell: int, sd: float = 0.3, residual_sd: float = 1.0):
    """A fit to simulated scores of so many runs a strategy and number of sources, and its terms."""
    coding = first_model(runs(per_cell))
    truth = Truth({}, {term: sd if "n_star" not in term else sd / 5 for term in coding.random}, residual_sd)
    y = simulate(
        truth, Planned(coding.columns, coding.columns[list(coding.random)]), N_TARGETS, 1, np.random.default_rng(5)
    )[0]
    rows = pd.concat([coding.columns] * N_TARGETS, ignore_index=True)
    target = np.repeat([f"t{k}" for k in range(N_TARGETS)], len(coding.columns))
    return fit_by_target(y.ravel(), rows, coding.random, target), list(coding.columns)


@pytest.mark.parametrize(("text", "named"), [
    ("n_star < 0.1", ["strategy[MSS-CR]:n_star"]),
    ("strategy<.2", ["MSS-CR - SS-R", "MS-CR@2 - SS-R", "MS-CR@2 - MSS-CR"]),
    ("factor.act < 1", ["factor.act[relu]", "factor.act[elu]"]),
    ("factor.act[elu] < 1 and factor.width < 2", ["factor.act[elu]", "factor.width"]),
    ("MSS-CR - SS-R < 0.3  and strategy[SS-R] < 1", ["MSS-CR - SS-R", "strategy[SS-R]"]),
])  # fmt: skip
def test_a_rule_names_terms_differences_and_families(text: str, named: list[str]) -> None:
    rule = read_rule(text, TERMS)
    assert [effect.name for effect in rule.effects] == named and (rule.limits > 0).all()


def test_every_fault_of_a_rule_is_told_with_the_nearest_name() -> None:
    with pytest.raises(InputFaults) as found:
        read_rule("strateg < 0.1 and n_star < -1 and n_star > 1 and MSS-CR - SSR < 1 and factor.width < 0", TERMS)
    told = str(found.value).splitlines()
    assert len(told) == 5 and all(line.startswith("--until = ") for line in told)
    assert "did you mean 'strategy'?" in told[0] and "did you mean 'MSS-CR - SS-R'?" in told[3]
    assert all("expected NAME < MARGIN" in told[k] for k in (1, 2, 4))


def test_a_difference_the_other_way_round_is_told_by_its_name() -> None:
    with pytest.raises(InputFaults) as caught:
        read_rule("SS-R - MSS-CR < 1 and MSS-CR - MS-CR@2 < 1", TERMS)
    assert [fault.nearest for fault in caught.value.faults] == ["MSS-CR - SS-R", "MS-CR@2 - MSS-CR"]


@pytest.mark.parametrize(("typed", "limit"), [("1e-9", 1e-9), (".5E1", 5.0), ("2e+0", 2.0)])
def test_margins_may_have_exponents(typed: str, limit: float) -> None:
    assert set(read_rule(f"n_star < {typed}", TERMS).limits) == {limit}


@pytest.mark.parametrize("typed", ["1e-999", "1e999", "e5", "1e", "-1e-3", "inf"])
def test_margins_are_above_0_and_finite(typed: str) -> None:
    with pytest.raises(InputFaults, match="expected NAME < MARGIN"):
        read_rule(f"n_star < {typed}", TERMS)


def test_margins_are_half_the_reports_intervals() -> None:
    fit, terms = fitted(10)
    rule = read_rule("strategy < 0.1 and n_star < 5", terms)
    found = margins(rule, fit)
    tests = contrast_tests(fit, np.array([[-1.0, 1.0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    np.testing.assert_allclose(found["margin"], (tests["ci_high"] - tests["ci_low"]) / 2)
    assert (found["floor"] < found["margin"]).all()


def test_the_floor_is_where_many_runs_lead() -> None:
    fit, terms = fitted(1500)
    found = margins(read_rule("strategy < 0.1 and strategy[MSS-CR] < 1", terms), fit)
    np.testing.assert_allclose(found["margin"], found["floor"], rtol=0.05)


def test_a_strategy_without_its_slope_is_not_told_at_n_star_0() -> None:
    fit, _ = fitted(10)
    later = read_rule("MSS-CR - MS-SR@FC < 9", [*fit.fixed_terms, "strategy[SS-R]"])
    assert np.isfinite(margins(later, fit)["margin"]).all()
    coding = first_model(runs(10))
    without = coding.columns.drop(columns="strategy[MSS-CR]:n_star")
    rows, target = pd.concat([without] * 2, ignore_index=True), np.repeat(["a", "b"], len(without))
    y = np.random.default_rng(2).standard_normal(len(rows)) + (target == "a")
    short = fit_by_target(y, rows, list(without), target)
    found = margins(read_rule("MSS-CR - MS-SR@FC < 9 and n_star < 9", list(coding.columns)), short)
    assert np.isinf(found["margin"]).tolist() == [True, False, True]
    assert "MSS-CR - MS-SR@FC is not estimable from these runs yet" in on_margins(
        read_rule("strategy < 9", list(coding.columns)), found
    )


def test_runs_and_targets_that_it_takes() -> None:
    fit, terms = fitted(6, sd=0.1)
    plan, rng = runs(40), np.random.default_rng(3)
    slopes = Rule("", tuple((effect, 0.2) for effect in read_rule("n_star < 0.2", terms).effects), tuple(terms))
    now = margins(slopes, fit)
    assert (now["margin"] > 0.2).any() and (now["floor"] < 0.2).all()
    n = runs_needed(slopes, fit, plan, 36, {}, rng)
    assert 36 < n < 240
    assert runs_needed(slopes, fit, plan.iloc[: n // 2], 36, {}, rng) is None, "half as many are too few"
    assert f"({n} in all)" in on_what_it_takes(now, N_TARGETS, 36, n, 240, N_TARGETS)
    tight = read_rule(f"MSS-CR - MS-SR@FC < {now['floor'].max() / 100:.5f} and strategy[MSS-CR] < 0.0001", terms)
    assert runs_needed(tight, fit, plan, 36, {}, rng) is None
    narrow = read_rule("strategy < 0.05", terms)
    needed = targets_needed(narrow, fit)
    assert needed > N_TARGETS and (floors(narrow, fit, needed) < 0.05).all()
    assert (floors(narrow, fit, needed - 1) >= 0.05).any()


def test_looks_are_counted_by_rule() -> None:
    looks = [{"rule": "n_star < 1", "n_runs": n, "reached": n == 30} for n in (10, 20, 30)]
    (told,) = on_looks(looks)
    assert "checked 3 times whether to stop (n_star < 1): reached at 30 runs" in told and "94 to 95 %" in told
    assert "not reached at 20 runs" in next(on_looks(looks[:2])) and list(on_looks([])) == []
