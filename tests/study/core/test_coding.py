from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from study.core.coding import (
    DETERMINED,
    combination,
    factor_columns,
    first_model,
    n_star,
    r_star,
    second_model,
    source_columns,
    strategy_columns,
)
from study.core.errors import InputFaults
from study.core.strategies import STRATEGIES


def runs(*levels: tuple[str, int]) -> pd.DataFrame:
    return pd.DataFrame(levels, columns=["strategy", "n_sources"])


def test_n_star_counts_from_the_simplest_case_of_each_strategy() -> None:
    assert n_star(["SS-R", "MSS-CR", "MS-SR@FC"], [1, 2, 8]).tolist() == [0, 0, 6]


def test_r_star_is_the_papers() -> None:
    np.testing.assert_allclose(r_star(STRATEGIES), [0, 0.2, 0.4, 0.6, 0.8, 1])


def test_an_unknown_strategy_is_told_with_the_nearest_name() -> None:
    with pytest.raises(InputFaults, match="did you mean 'MSS-CR'"):
        r_star(["MSSCR"])


def test_first_model_has_an_intercept_a_strategy_and_a_slope_for_each_but_ss_r() -> None:
    rows = runs(*[(name, n) for name in STRATEGIES for n in ((1, 1) if name == "SS-R" else (2, 5))])
    coding = first_model(rows)
    assert list(coding.columns) == [
        *(f"strategy[{name}]" for name in STRATEGIES), *(f"strategy[{name}]:n_star" for name in STRATEGIES[1:])
    ]  # fmt: skip
    assert coding.random == tuple(coding.columns)
    assert not coding.left_out
    assert coding.columns["strategy[MSS-CR]:n_star"].tolist() == [0] * 11 + [3]


def test_first_model_names_what_it_leaves_out() -> None:
    coding = first_model(runs(("SS-R", 1), ("MSS-CR", 2), ("MSS-CR", 4), ("MS-CR@2", 3)))
    assert list(coding.columns) == [
        "strategy[SS-R]", "strategy[MS-CR@2]", "strategy[MSS-CR]", "strategy[MSS-CR]:n_star"
    ]  # fmt: skip
    assert coding.left_out == {
        "strategy[MS-SR@FC]": "no rows", "strategy[MS-CR@6]": "no rows", "strategy[MS-CR@4]": "no rows",
        "strategy[MS-CR@2]:n_star": "all its rows have n* = 1",
    }  # fmt: skip


def test_without_numbers_of_sources_there_are_no_slopes_and_that_is_said() -> None:
    rows = pd.DataFrame({"strategy": ["SS-R", "MSS-CR"]})
    assert first_model(rows).left_out["strategy[MSS-CR]:n_star"] == "the number of sources is not known"
    assert list(second_model(rows).columns) == ["intercept", "r_star"]


def test_second_model_leaves_out_a_product_that_its_factors_determine() -> None:
    coding = second_model(runs(("SS-R", 1), ("MSS-CR", 2), ("MSS-CR", 4)))
    assert list(coding.columns) == ["intercept", "r_star", "n_star"]
    assert list(coding.left_out) == ["r_star:n_star"]
    full = second_model(runs(("SS-R", 1), ("MSS-CR", 2), ("MSS-CR", 4), ("MS-CR@2", 2), ("MS-CR@2", 3)))
    assert full.random == ("r_star", "n_star", "r_star:n_star")
    np.testing.assert_allclose(full.columns["r_star:n_star"], [0, 0, 2, 0, 0.8])


def test_a_factor_that_the_strategies_determine_is_left_out() -> None:
    rows = pd.DataFrame({"strategy": ["SS-R", "SS-R", "MSS-CR", "MSS-CR", "MSS-CR"], "n_sources": [1, 1, 2, 3, 2],
                         "factor.card": ["a", "a", "b", "b", "b"], "factor.loss": [1, 2, 1, 2, 1]})  # fmt: skip
    coded = first_model(rows, {"card": ["a", "b"], "loss": [1, 2]})
    assert list(coded.columns)[-2:] == ["strategy[MSS-CR]:n_star", "factor.loss"]
    assert coded.left_out["factor.card[b]"] == DETERMINED


def test_factors_are_linear_if_numbers_and_treatment_coded_otherwise() -> None:
    rows = pd.DataFrame(
        {"factor.width": [0.5, 1.0, 2.0], "factor.loss": ["kl", "mse", "l1"], "factor.flag": [True] * 3}
    )
    coding = factor_columns(
        rows, {"width": (0.5, 1.0, 2.0), "loss": ("mse", "kl", "huber", "l1"), "flag": (True, False)}
    )
    assert coding.columns.to_dict("list") == {
        "factor.width": [0, 0.5, 1.5], "factor.loss[kl]": [1, 0, 0], "factor.loss[l1]": [0, 0, 1]
    }  # fmt: skip
    assert coding.left_out == {"factor.loss[huber]": "no rows", "factor.flag": "only one of its levels occurs"}


def test_a_value_that_is_no_level_never_passes_as_the_first() -> None:
    with pytest.raises(InputFaults, match=r"factor.loss = 'hinge': expected one of mse, kl"):
        factor_columns(pd.DataFrame({"factor.loss": ["mse", "hinge"]}), {"loss": ("mse", "kl")})


def test_source_columns_follow_the_study_and_name_what_is_missing() -> None:
    rows = pd.DataFrame({"source.tag": [True, False], "source.self": [False, True]})
    assert source_columns(rows, ["self", "tag"]).to_numpy().tolist() == [[0, 1], [1, 0]]
    with pytest.raises(InputFaults, match=r"did you mean 'source.tag'"):
        source_columns(rows, ["tags"])


def test_strategy_columns_sum_to_one() -> None:
    columns = strategy_columns(runs(("MSS-CR", 2), ("SS-R", 1)))
    assert list(columns) == ["strategy[SS-R]", "strategy[MSS-CR]"]
    assert (columns.sum(axis=1) == 1).all()


def test_a_combination_is_what_the_run_is_made_of() -> None:
    rows = pd.DataFrame(
        {"strategy": ["MSS-CR", "MSS-CR", "MSS-CR", "SS-R"], "source.tag": [True, True, True, False],
         "source.self": [True, True, True, True], "factor.width": [0.5, 1.0, 1.0, 1.0],
         "factor.transfer": ["frozen", "frozen", "fine-tune", "frozen"], "target": ["a", "a", "b", "a"]}
    )  # fmt: skip
    assert combination(rows).tolist() == [
        "MSS-CR | tag+self | 0.5", "MSS-CR | tag+self | 1.0", "MSS-CR | tag+self | 1.0", "SS-R | self | 1.0"
    ]  # fmt: skip
