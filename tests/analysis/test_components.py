from __future__ import annotations

import numpy as np
import pytest

from analysis.components import source_components
from analysis.results_table import results_table


def test_a_source_that_one_target_lives_on_dominates_there_and_only_there(results) -> None:
    table = results_table(results, {})
    found = {
        one.target: one.percent.set_index("source") for one in source_components(table, 50, np.random.default_rng(1))
    }
    assert found["ballroom"]["percent"].idxmax() == "bpm"
    assert found["ballroom"].loc["bpm", "percent"] > 80
    for target, percent in found.items():
        assert percent["percent"].sum() == pytest.approx(100) or percent["percent"].isna().all()
        assert (percent["low"] <= percent["high"]).all(), target


def test_percentages_are_of_the_sources_variances_and_lie_in_their_intervals(results) -> None:
    table = results_table(results, {})
    one = next(source_components(table, 100, np.random.default_rng(2)))
    np.testing.assert_allclose(one.percent["percent"], 100 * one.fit.variance / one.fit.variance.sum())
    bpm = one.percent.set_index("source").loc["bpm"]
    assert bpm["low"] < bpm["percent"] < bpm["high"]


def test_a_source_that_every_run_has_is_left_out_by_name(simulate) -> None:
    rows = simulate(seed=3)
    rows = rows[(rows["strategy"] == "SS-R") | rows["source.self"] | (rows["phase"] == "baseline")]
    one = next(source_components(results_table(rows, {}), 10, np.random.default_rng(3)))
    assert list(one.left_out) == ["self"]
    assert list(one.percent["source"]) == ["bpm", "year", "tag"]


def test_without_multi_source_runs_there_are_none_and_it_says_why(simulate) -> None:
    table = results_table(simulate(strategies={"SS-R": 0.0}), {})
    for one in source_components(table, 10, np.random.default_rng(4)):
        assert one.fit is None
        assert one.why_not == "no source varies among its multi-source runs"
