"""The checks of the first model find what was planted, and deletion in closed form is deletion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import dependence
from analysis.dependence import boundary_p, likelihood_ratios, permutation_p
from analysis.exhibits.model_checks import sentences
from analysis.fitting.deletion import deletions
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.model_checks import ModelChecks, comparison, model_checks
from analysis.models import strategy_model
from analysis.results_table import results_table
from analysis.statements import families_of

N_RUNS, TARGETS = 60, tuple("abcdefg")


def studied(run_sd: float, seed: int, planted: float = 0.0) -> pd.DataFrame:
    """Runs of two strategies on all targets; r07 is `planted` higher on each, r09 half as much again on c."""
    rng = np.random.default_rng(seed)
    run, target = np.repeat(np.arange(N_RUNS), len(TARGETS)), np.tile(np.arange(len(TARGETS)), N_RUNS)
    score = run_sd * rng.standard_normal(N_RUNS)[run] + rng.standard_normal(len(run)) + 0.5 * (run % 2) + target
    score += planted * (run == 7) + 1.5 * planted * ((run == 9) & (target == 2))
    rows = pd.DataFrame({"run_id": [f"r{k:02}" for k in run], "target": [TARGETS[k] for k in target], "score": score})
    return rows.assign(strategy=np.where(run % 2, "MS-CR@2", "MS-SR@FC"), n_sources=2 + run // 2 % 6)


def checks(rows: pd.DataFrame) -> ModelChecks:
    table = results_table(rows, {})
    model = strategy_model(table, {})
    assert model.fit is not None
    effects = {name: own for _, members in families_of(model.fit, table.scores) for name, own in members.items()}
    return model_checks(table, model, [], effects, np.random.default_rng(3))


def crossed(seed: int) -> tuple[MixedFit, np.ndarray, np.ndarray]:
    """A fit, V over the residual variance by the rows, and the rows' runs."""
    rng = np.random.default_rng(seed)
    run, target = rng.integers(0, 12, 70), rng.integers(0, 5, 70)
    x = pd.DataFrame({"one": 1.0, "x": rng.standard_normal(70)})
    y = rng.standard_normal(12)[run] + rng.standard_normal(5)[target] * x["x"] + rng.standard_normal(70)
    terms = [RandomTerm("target", target, x, True), intercepts_by("run", run)]
    fit = fit_mixed(y.to_numpy(), x, terms)
    v = np.eye(70)
    for term, covariance in zip(fit.random, fit.relative_covariance, strict=True):
        columns = term.columns.to_numpy()
        v += (term.levels[:, None] == term.levels) * (columns @ covariance @ columns.T)
    return fit, v, run


@pytest.mark.parametrize("by", ["run", "row"])
def test_a_unit_left_out_is_as_if_its_rows_were_not_there(by: str) -> None:
    fit, v, run = crossed(4)
    units = run if by == "run" else np.arange(70)
    found = deletions(fit, units)
    assert found is not None
    x, y = fit.fixed.to_numpy(), fit.y
    for unit, name in enumerate(found.units):
        own, others = units == name, units != name
        inverse = np.linalg.inv(v[np.ix_(others, others)])
        m = np.linalg.inv(x[others].T @ inverse @ x[others])
        beta = m @ x[others].T @ inverse @ y[others]
        np.testing.assert_allclose(fit.estimate + found.change[unit], beta, atol=1e-9)
        across = v[np.ix_(own, others)] @ inverse
        error = y[own] - x[own] @ beta - across @ (y[others] - x[others] @ beta)
        through = x[own] - across @ x[others]
        spread = v[np.ix_(own, own)] - across @ v[np.ix_(others, own)] + through @ m @ through.T
        rest = y[others] - x[others] @ beta
        residual = rest @ inverse @ rest / (others.sum() - 2)
        statistic = error @ np.linalg.solve(spread, error) / own.sum() / residual
        assert found.statistic[unit] == pytest.approx(statistic, rel=1e-8)


def test_a_shared_residual_and_what_was_planted_are_found() -> None:
    found = checks(studied(run_sd=0.6, seed=1, planted=5.0))
    assert found.dependence["p"].max() < 0.001
    odd = found.runs[found.runs["p_adjusted"] < 0.001]
    assert set(odd["run_id"]) == {"r07", "r09"}  # r09 by its one score
    assert tuple(found.scores.loc[0, ["run_id", "target"]]) == ("r09", "c") and found.scores["p_adjusted"][0] < 0.001
    assert set(found.targets.loc[found.targets["p_normal"] < 0.05, "target"]) >= {"c"}
    said = " ".join(sentences(found))
    assert "r07" in said and "r09 on c" in said and "Scores of one run depend on each other" in said


def test_nothing_is_found_where_nothing_is() -> None:
    found = checks(studied(run_sd=0.0, seed=5))
    assert found.dependence["p"].min() > 0.05
    assert found.runs["p_adjusted"].min() > 0.05 and found.scores["p_adjusted"].min() > 0.05
    assert len(found.influence) and not found.influence["depends_on_one_run"].any()
    assert "No run and no single score is an outlier" in " ".join(sentences(found))


def test_false_alarms_are_as_rare_as_p_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over 100 small studies without any dependence, where runs have hardly more rows than the fixed terms."""
    monkeypatch.setattr(dependence, "PERMUTATIONS", 199)
    rng, p = np.random.default_rng(2), []
    runs = np.repeat([f"r{k}" for k in range(12)], 4)
    targets, x = np.tile(list("abcd"), 12), np.repeat(rng.standard_normal((12, 5)), 4, axis=0)
    for _ in range(100):
        rows = pd.DataFrame({"run_id": runs, "target": targets, "z": rng.standard_normal(48)})
        p.append(permutation_p(rows, pd.DataFrame(x, columns=list("abcde")).assign(one=1.0), rng))
    assert 0.08 < np.mean(np.array(p) < 0.2) < 0.33
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)


def test_a_ratio_of_zero_says_nothing_and_one_variance_halves_chi_squared() -> None:
    assert boundary_p(0.0, 3) == 1.0
    assert boundary_p(3.841459, 1) == pytest.approx(0.025, abs=1e-6)


def test_models_are_compared_by_maximum_likelihood() -> None:
    table = results_table(studied(0.6, 1), {})
    model = strategy_model(table, {})
    assert model.fit is not None
    frame = comparison([model])
    by_likelihood = fit_mixed(model.fit.y, model.fit.fixed, model.fit.random, reml=False)
    parameters = len(model.fit.fixed_terms) + len(model.fit.variance) + 1
    assert frame["aic"][0] == pytest.approx(by_likelihood.criterion + 2 * parameters)
    assert likelihood_ratios(model.fit)["left_out"].tolist() == ["run_id"]
