from __future__ import annotations

import pytest

from analysis.exhibits.compactness import architectures, parameters, shown
from analysis.results_table import results_table
from study.core.cost import n_parameters
from tests.analysis.conftest import sized


def test_sizes_are_told_by_strategy_and_number_beside_a_single_sources(results) -> None:
    cells = parameters(results_table(sized(results), {})).set_index(["strategy", "n_sources"])
    single = n_parameters("SS-R", {"a": 50})
    assert tuple(cells.loc[("SS-R", 1), ["n_parameters", "of_single"]]) == (single, 1.0)
    branching = n_parameters("MS-CR@6", dict.fromkeys("abcd", 50))
    row = cells.loc[("MS-CR@6", 4)]
    assert (row["n_runs"], row["n_parameters"]) == (4, branching)
    assert row["of_single"] == pytest.approx(branching / single)
    assert list(dict.fromkeys(cells.index.get_level_values("strategy")))[:2] == ["SS-R", "MS-SR@FC"]


def test_without_sizes_it_says_so(results) -> None:
    (picture,) = shown(results_table(results, {}))
    assert picture.draw is None
    assert picture.caption == "Not drawn: the table does not give the numbers of parameters and sources of each run."


def test_what_the_strategies_share_is_the_papers_table(results) -> None:
    found = architectures(results_table(results, {})).set_index("strategy")
    expected = {
        "SS-R": ("no", "no", "no", "d"),
        "MS-SR@FC": ("yes", "yes", "no", "d"),
        "MS-CR@4": ("yes", "up to @4", "yes", "d x m"),
        "MSS-CR": ("yes", "no", "yes", "d x m"),
    }
    assert {name: tuple(found.loc[name]) for name in expected} == expected
