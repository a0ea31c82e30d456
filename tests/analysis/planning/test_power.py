from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import fit_mixed
from analysis.planning import simulation
from analysis.planning.power import Grid, power, share
from analysis.planning.simulation import Planned, planned_model, refit, simulate
from analysis.planning.truth import Truth, fitted_truth, paper_truth, stated
from study.core.coding import first_model
from study.core.errors import InputFaults


def plan(per_strategy: int = 12, strategies=("MS-SR@FC", "MSS-CR"), sizes=(2, 3, 4)) -> pd.DataFrame:
    rows = [(strategy, sizes[k % len(sizes)]) for k in range(per_strategy) for strategy in strategies]
    return pd.DataFrame(rows, columns=["strategy", "n_sources"])


@pytest.fixture(scope="module")
def two_strategies() -> tuple[pd.DataFrame, Truth]:
    """Runs of two strategies that always have two sources: two intercepts, no slopes."""
    runs = plan(per_strategy=5, sizes=(2,))
    return runs, Truth({"strategy[MS-SR@FC]": 0.0, "strategy[MSS-CR]": 0.0},
                       {"strategy[MS-SR@FC]": 0.5, "strategy[MSS-CR]": 0.5}, 0.3)  # fmt: skip


def test_in_a_balanced_plan_it_is_welchs_test_of_the_targets_means(two_strategies) -> None:
    runs, truth = two_strategies
    coding = first_model(runs)
    plain = Planned(coding.columns, coding.columns[list(coding.random)])
    scores = simulate(truth, plain, 6, 20, np.random.default_rng(1))
    found = refit(scores, plain, np.array([[-1.0, 1.0]]), truth)
    assert found.certified.all() and not found.singular.all()
    p = 2.0 * stats.t.sf(np.abs(found.error) / found.se, found.df)[:, 0]
    means = [scores[:, :, (runs["strategy"] == name).to_numpy()].mean(axis=2) for name in ("MSS-CR", "MS-SR@FC")]
    expected = stats.ttest_ind(*means, axis=1, equal_var=False).pvalue
    np.testing.assert_allclose(p[~found.singular], expected[~found.singular], rtol=1e-4)


def test_many_refits_are_each_the_fit_of_the_report() -> None:
    coding, rng = first_model(plan()), np.random.default_rng(2)
    truth = paper_truth(coding)
    planned = planned_model(plan(), coding, {})
    assert [term.group for term in planned.shared] == ["run_id"]
    scores = simulate(truth, planned, 4, 3, rng)
    contrasts = rng.standard_normal((5, 4))
    found = refit(scores, planned, contrasts, truth)
    rows, terms = planned.over(planned.columns, 4), planned.terms(4)
    for one, y in enumerate(scores):
        tests = contrast_tests(fit_mixed(y.ravel(), rows, terms), contrasts)
        for name, mine in (("estimate", found.error), ("se", found.se), ("df", found.df)):
            np.testing.assert_allclose(mine[one], tests[name], rtol=1e-4, atol=1e-8)


def test_power_is_that_of_a_paired_t_test(two_strategies) -> None:
    """Standardising leaves each target the difference of its two strategies."""
    runs, truth = two_strategies
    sd = np.sqrt(2 * (0.5**2 + 0.3**2 / 5))
    truth = replace(truth, effects={"strategy[MS-SR@FC]": 0.0, "strategy[MSS-CR]": 0.6})
    (cell,) = power(runs, {}, truth, Grid([10], [12], 1500), np.random.default_rng(3))
    expected = TTestPower().power(0.6 / sd, 12, 0.05)
    row = cell.power.set_index("effect").loc["MSS-CR - MS-SR@FC"]
    assert row["value"] == pytest.approx(0.6) and row["power"] == pytest.approx(expected, abs=0.04)
    needed = TTestPower().solve_power(None, 12, 0.05, 0.8) * sd
    assert row["smallest"] == pytest.approx(needed, rel=0.05)


@pytest.fixture(scope="module")
def cells():
    runs = plan(per_strategy=24)
    truth = stated(paper_truth(first_model(runs)), first_model(runs), ["strategy[MSS-CR]:n_star=0.25"], ["residual=1"])
    return power(runs, {}, truth, Grid([16, 48], [4, 8], 300), np.random.default_rng(4))


def test_power_rises_with_runs_and_targets_and_effects(cells) -> None:
    rows = {(cell.n_runs, cell.n_targets): cell.power.set_index("effect") for cell in cells}
    slope, none = "strategy[MSS-CR]:n_star", "strategy[MS-SR@FC]:n_star"
    by_size = [rows[key].loc[slope, "power"] for key in ((16, 4), (48, 4), (48, 8))]
    assert by_size == sorted(by_size) and by_size[0] + 0.1 < by_size[1] < by_size[2] - 0.05
    smallest = [rows[key].loc[slope, "smallest"] for key in ((16, 4), (48, 4), (48, 8))]
    assert smallest == sorted(smallest, reverse=True)
    for table in rows.values():
        assert table.loc[none, "value"] == 0.0 and table.loc[none, "power_low"] < 0.05
        assert table.loc[none, "power"] < 0.09, "where there is no effect, the level is all that is found"


def test_effects_of_the_smallest_size_are_found_with_80_percent() -> None:
    runs = plan(per_strategy=24)
    truth = paper_truth(first_model(runs))
    (first,) = power(runs, {}, truth, Grid([48], [5], 400), np.random.default_rng(5))
    smallest = first.power.set_index("effect")["smallest"]
    slopes = {name: value for name, value in smallest.items() if name in truth.effects}
    with_slopes = replace(truth, effects={**truth.effects, **slopes})
    (again,) = power(runs, {}, with_slopes, Grid([48], [5], 400), np.random.default_rng(5))
    found = again.power.set_index("effect").loc[list(slopes), "power"]
    np.testing.assert_allclose(found, 0.8, atol=0.04)


def test_what_few_runs_do_not_tell_has_no_power() -> None:
    runs = pd.concat([plan(4, sizes=(4,)), plan(12)], ignore_index=True)
    truth = paper_truth(first_model(runs))
    few, enough, none = power(runs, {}, truth, Grid([8, 32, 1], [3], 20), np.random.default_rng(6))
    assert few.power["power"].isna().all(), "four sources throughout: no slopes, and no strategy's mean at n* = 0"
    assert enough.power["power"].notna().all()
    assert none.why_not is not None and none.power.empty


def test_fits_that_failed_count_as_failed_and_not_as_nothing_found(two_strategies, monkeypatch) -> None:
    runs, truth = two_strategies
    whole = simulation.minimise

    def half_fails(design, response, start):
        found = whole(design, response, start)
        return replace(found, certified=found.certified & (np.arange(len(start)) % 2 == 0))

    monkeypatch.setattr(simulation, "minimise", half_fails)
    effects = {"strategy[MS-SR@FC]": 0.0, "strategy[MSS-CR]": 9.0}
    (cell,) = power(runs, {}, replace(truth, effects=effects), Grid([10], [4], 40), np.random.default_rng(7))
    assert cell.n_failed == 20 and cell.power["power"].tolist() == [1.0]
    assert cell.power["power_low"].item() == pytest.approx(share(20, 20)[1])


def test_shares_have_wilsons_interval() -> None:
    # prop.test(40, 50, correct = FALSE)
    np.testing.assert_allclose(share(40, 50), [0.8, 0.669635, 0.8875712], rtol=1e-5)


def test_stated_effects_and_deviations() -> None:
    coding = first_model(plan())
    truth = stated(paper_truth(coding), coding, ["strategy[MSS-CR]:n_star=0.3"], ["residual=2", "strategy[MSS-CR]=0"])
    assert truth.effects["strategy[MSS-CR]:n_star"] == 0.3 and truth.residual_sd == 2.0
    assert truth.sd["strategy[MSS-CR]"] == 0.0
    with pytest.raises(InputFaults) as faults:
        stated(truth, coding, ["strategy[MSS-CR]:nstar=0.3", "0.3"], ["residual=0", "strategy[MSS-CR]=-1"])
    told = str(faults.value)
    assert "did you mean 'strategy[MSS-CR]:n_star'?" in told and "expected TERM=VALUE" in told
    assert told.count("--sd") == 2
    with pytest.raises(InputFaults) as faults:
        stated(truth, coding, ["strategy[MSS-CR]=1e308", "strategy[MSS-CR]:n_star=-1e7"], ["residual=1e7"])
    assert [str(fault.value) for fault in faults.value.faults] == [
        "strategy[MSS-CR]=1e308", "strategy[MSS-CR]:n_star=-1e7", "residual=1e7",
    ]  # fmt: skip
    assert str(faults.value).count("at most 1,000,000 on either side of 0") == 3
    with pytest.raises(InputFaults, match="a residual's of 1e-06 or more"):
        stated(truth, coding, [], ["residual=1e-200"])


def test_fitted_effects_must_have_the_terms_of_the_plan(tmp_path) -> None:
    with pytest.raises(InputFaults, match="`study analyze` writes it"):
        fitted_truth(tmp_path / "fit.json", first_model(plan()))
    (tmp_path / "fit.json").write_text(
        '{"models": {"strategy": {"converged": true, "residual_sd": 0.5, "fixed": '
        '[{"term": "strategy[MSS-CR]", "estimate": 1.5}], "random": [{"term": "strategy[MSS-CR]", "sd": 0.2}]}}}'
    )
    with pytest.raises(InputFaults, match=r"strategy\[MS-SR@FC\]: not in the fit"):
        fitted_truth(tmp_path / "fit.json", first_model(plan()))
    alone = fitted_truth(tmp_path / "fit.json", first_model(plan(strategies=("MSS-CR",), sizes=(2,))))
    assert alone.effects["strategy[MSS-CR]"] == 1.5 and alone.residual_sd == 0.5
