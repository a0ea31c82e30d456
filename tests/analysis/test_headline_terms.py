"""Which random terms the headline has follows from the table's shape alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.centring import centred, less_target_means
from analysis.headline_terms import ONE_SOURCE, SEVERAL_SOURCES, headline_terms
from analysis.models import paper_size_model, paper_strategy_model, size_model, strategy_model
from analysis.results_table import results_table
from study.core.coding import first_model

RNG = np.random.default_rng(5)


def runs_of(*made_of: tuple[str, str, int]) -> pd.DataFrame:
    """Runs by strategy, sources (letters) and how often they were trained."""
    return pd.DataFrame([
        {"strategy": strategy, "n_sources": len(sources), **{f"source.{one}": one in sources for one in "abcd"}}
        for strategy, sources, n in made_of for _ in range(n)
    ])  # fmt: skip


def rows_of(runs: pd.DataFrame, n_targets: int = 3, **factors: list[object]) -> pd.DataFrame:
    runs = runs.assign(run_id=[f"r{k}" for k in range(len(runs))])
    runs = runs.assign(**{f"factor.{name}": np.resize(levels, len(runs)) for name, levels in factors.items()})
    rows = pd.concat([runs.assign(target=f"t{k}") for k in range(n_targets)], ignore_index=True)
    return rows.assign(score=np.random.default_rng(len(rows)).standard_normal(len(rows)))


def groups(rows: pd.DataFrame, sources_known: bool = True, **levels: list[object]):
    part = headline_terms(rows, centred(first_model(rows, levels)), levels, sources_known)
    return {term.group: list(map(str, term.columns)) for term in part.terms}, part


SINGLES = [("SS-R", letter, 3) for letter in "abcd"]
MIXTURES = [("MSS-CR", sources, 2) for sources in ("ab", "bc", "abc", "abd", "acd")]


def test_runs_and_combinations_enter_where_they_repeat() -> None:
    found, part = groups(rows_of(runs_of(*SINGLES, *MIXTURES)))
    assert found["run_id"] == ["intercept"] and found["combination"] == [ONE_SOURCE, SEVERAL_SOURCES]
    assert not part.omitted and part.no_verdicts is None


def test_where_single_sources_do_not_repeat_combinations_have_one_variance() -> None:
    once = [(strategy, sources, 1) for strategy, sources, _ in SINGLES]
    assert groups(rows_of(runs_of(*once, *MIXTURES)))[0]["combination"] == ["intercept"]


def test_combinations_that_the_strategy_determines_have_none() -> None:
    found, part = groups(rows_of(runs_of(("SS-R", "a", 4), *MIXTURES)))
    assert found["combination"] == [SEVERAL_SOURCES]
    assert f"({ONE_SOURCE} | combination)" in part.omitted
    found, part = groups(rows_of(runs_of(("SS-R", "a", 4), ("MSS-CR", "abcd", 4))))
    assert "combination" not in found and "determine the combination" in part.omitted["(1 | combination)"]
    assert "run_id" in found


@pytest.mark.parametrize(("rows", "sources_known", "why"), [
    (rows_of(runs_of(*SINGLES, *MIXTURES)), False, "do not give the sources"),
    (rows_of(runs_of(*[(a, b, 1) for a, b, _ in SINGLES + MIXTURES])), True, "the run stands for both"),
])  # fmt: skip
def test_what_is_left_out_is_named(rows: pd.DataFrame, sources_known: bool, why: str) -> None:
    found, part = groups(rows, sources_known)
    assert "run_id" in found and "combination" not in found
    assert why in part.omitted["(1 | combination)"]


def test_a_leaderboard_is_of_these_very_models() -> None:
    found, part = groups(rows_of(runs_of(("SS-R", "a", 1), ("MSS-CR", "ab", 1), ("MS-CR@2", "ab", 1))))
    assert list(found) == ["target"] and "these very trained models" in part.omitted["(1 | run_id)"]
    assert part.no_verdicts is None


def test_few_degrees_of_freedom_between_runs_give_no_verdict() -> None:
    part = groups(rows_of(runs_of(("SS-R", "a", 2), ("MSS-CR", "ab", 2))))[1]
    assert part.no_verdicts is not None and "are 2, and at least 3" in part.no_verdicts
    assert groups(rows_of(runs_of(("SS-R", "a", 3), ("MSS-CR", "ab", 2))))[1].no_verdicts is None


def test_further_factors_are_centred_and_vary_by_target() -> None:
    rows = rows_of(runs_of(*SINGLES, *MIXTURES), act=["relu", "elu"], width=[1.0, 2.0, 4.0], loss=["x", "y", "z", "z"])
    found, part = groups(rows, act=["relu", "elu"], width=[1.0, 2.0, 4.0], loss=["x", "y", "z"])
    assert found["target"][-2:] == ["factor.act[elu]", "factor.width"] and found["target:factor.loss"] == [
        "x",
        "y",
        "z",
    ]
    by_target = part.terms[0].columns
    np.testing.assert_allclose(by_target[["factor.act[elu]", "factor.width"]].mean(), 0.0, atol=1e-12)
    levels = part.terms[1]
    assert levels.tied and levels.n_parameters == 1 and set(levels.levels) == {"t0", "t1", "t2"}
    np.testing.assert_allclose(levels.columns.groupby(levels.levels).sum(), 0.0, atol=1e-12)


def test_no_score_decides(simulate) -> None:
    rows = simulate(noise=0.3, seed=1)
    found = []
    for scores in (rows["score"], rows["score"].to_numpy()[::-1], RNG.standard_normal(len(rows))):
        model = strategy_model(results_table(rows.assign(score=scores), {}), {})
        found.append(([(term.group, list(term.columns)) for term in model.random_part], dict(model.omitted)))
    assert found[0] == found[1] == found[2]


def test_the_papers_models_have_neither(simulate) -> None:
    table = results_table(simulate(noise=0.3, seed=1), {})
    for model in (paper_strategy_model(table, {}), paper_size_model(table)):
        assert list(model.groups) == ["target"] and model.fit is not None
    for model in (strategy_model(table, {}), size_model(table, {})):
        assert "run_id" in model.groups and model.fit is not None


def test_the_size_of_the_network_is_adjusted_for_further_factors(simulate) -> None:
    rows = simulate(noise=0.3, seed=1)
    width = rows["run_id"].map({run: 1.0 + k % 2 for k, run in enumerate(rows["run_id"].unique())})
    table = results_table(rows.assign(**{"factor.width": width}), {})
    model = size_model(table, table.factor_levels)
    assert "factor.width" in model.fit.fixed_terms and "factor.width" in model.statements["effect"].tolist()
    assert "factor.width" not in paper_size_model(table).fit.fixed_terms


def test_slopes_by_target_are_of_columns_from_which_standardising_took_the_targets_means() -> None:
    target = np.repeat(["a", "b", "c"], [4, 4, 2])
    columns = pd.DataFrame({"x": np.arange(10.0), "constant": 1.0, "only b": (np.arange(10) == 5) * 1.0})
    found = less_target_means(columns.assign(opposite=3.0 - 2.0 * columns["x"]), target)
    assert list(found) == ["x", "only b"]
    np.testing.assert_array_equal(found["x"], [-1.5, -0.5, 0.5, 1.5, -1.5, -0.5, 0.5, 1.5, -0.5, 0.5])
    np.testing.assert_array_equal(found["only b"], columns["only b"])


def test_of_two_strategies_the_difference_varies_by_target() -> None:
    rows = pd.DataFrame([
        {"run_id": f"r{k}", "strategy": strategy, "n_sources": 2, "target": target}
        for k, strategy in enumerate(["MS-CR@2", "MSS-CR"] * 4) for target in "abc"
    ])  # fmt: skip
    terms = headline_terms(rows, centred(first_model(rows)), {}, False).terms
    assert [(term.group, list(term.columns)) for term in terms] == [
        ("target", ["strategy[MS-CR@2]"]),
        ("run_id", ["intercept"]),
    ]
