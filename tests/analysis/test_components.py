from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import components
from analysis.components import source_components
from analysis.results_table import results_table
from study.core.coding import strategy_columns


def test_a_source_that_one_target_lives_on_dominates_there_and_only_there(results) -> None:
    table = results_table(results, {})
    found = {one.target: one.percent.set_index("source") for one in source_components(table, np.random.default_rng(1))}
    assert found["ballroom"]["percent"].idxmax() == "bpm"
    assert found["ballroom"].loc["bpm", "percent"] > 80
    for percent in found.values():
        assert percent["percent"].sum() == pytest.approx(100) or percent["percent"].isna().all()
        if percent["percent"].notna().all():
            assert (percent["low"] <= percent["percent"]).all() and (percent["percent"] <= percent["high"]).all()


def test_percentages_are_of_the_sources_variances_and_their_intervals_excuse_one_degree_of_freedom(results) -> None:
    table = results_table(results, {})
    one = next(source_components(table, np.random.default_rng(2)))
    np.testing.assert_allclose(one.percent["percent"], 100 * one.fit.variance / one.fit.variance.sum())
    percent = one.percent.set_index("source")
    assert 0 < percent.loc["bpm", "low"] < 50
    assert (percent.drop("bpm")["low"] < 1).all() and (percent["high"] > 90).any()


def test_the_same_seed_gives_the_same_intervals(results) -> None:
    table = results_table(results, {})
    first, again = (next(source_components(table, np.random.default_rng(5))) for _ in range(2))
    assert first.percent.equals(again.percent)


def test_an_interval_that_lacks_the_estimate_is_stretched_to_it(results, monkeypatch) -> None:
    monkeypatch.setattr(components, "share_intervals", lambda y, fixed, present, rng: np.full((2, 4), 0.5))
    one = next(source_components(results_table(results, {}), np.random.default_rng(6))).percent
    np.testing.assert_allclose(one["low"], np.minimum(50, one["percent"]))
    np.testing.assert_allclose(one["high"], np.maximum(50, one["percent"]))


def test_without_any_variance_there_is_no_percent_and_no_interval() -> None:
    rng = np.random.default_rng(7)
    present = rng.integers(0, 2, (60, 3))
    rows = pd.DataFrame(present.astype(bool), columns=["source.a", "source.b", "source.c"])
    rows["strategy"] = rng.choice(["MS-CR@2", "MSS-CR"], 60)
    columns, noise = np.hstack([strategy_columns(rows), present]), rng.standard_normal(60)
    rows["z"] = noise - columns @ np.linalg.lstsq(columns, noise, rcond=None)[0]
    found = components.components_within("gtzan", rows, ("a", "b", "c"), rng)
    assert not found.fit.variance.any()
    assert found.percent[["percent", "low", "high"]].isna().all(axis=None)


def test_a_source_that_every_run_has_is_left_out_by_name(simulate) -> None:
    rows = simulate(seed=3)
    rows = rows[(rows["strategy"] == "SS-R") | rows["source.self"] | (rows["phase"] == "baseline")]
    one = next(source_components(results_table(rows, {}), np.random.default_rng(3)))
    assert list(one.left_out) == ["self"]
    assert list(one.percent["source"]) == ["bpm", "year", "tag"]


def test_without_multi_source_runs_there_are_none_and_it_says_why(simulate) -> None:
    table = results_table(simulate(strategies={"SS-R": 0.0}), {})
    for one in source_components(table, np.random.default_rng(4)):
        assert one.fit is None
        assert one.why_not == "no source varies among its multi-source runs"
