from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.exhibits.design_figures import aliasing, correlations, multi_source_runs

PUBLISHED = Path(__file__).parents[3] / "../shared/reference/kim2019/experimental_design.csv"


def runs(levels: list[tuple[str, tuple[str, ...]]], sources: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"strategy": strategy} | {f"source.{name}": name in present for name in sources}
            for strategy, present in levels
        ]
    )


def test_a_full_factorial_has_no_aliasing() -> None:
    subsets = [subset for n in range(5) for subset in combinations("abcd", n)]
    full = runs([(strategy, subset) for strategy in ("MS-CR@2", "MSS-CR") for subset in subsets], "abcd")
    between = correlations(full, "abcd")
    assert aliasing(between, 4) == pytest.approx(0, abs=1e-12)
    assert between.loc["MS-CR@2", "MSS-CR"] == pytest.approx(-1)  # levels of one factor, which is no aliasing


def test_sources_that_always_come_together_are_fully_aliased_and_a_constant_one_counts_nothing() -> None:
    levels = [
        ("MSS-CR", ("a", "b", "c")),
        ("MSS-CR", ("c", "d")),
        ("MS-CR@2", ("c", "d")),
        ("MS-CR@2", ("a", "b", "c")),
    ]
    between = correlations(runs(levels, "abcd"), "abcd")
    assert aliasing(between, 4) == pytest.approx(1)
    assert between.loc["a", "b"] == pytest.approx(1)
    assert not between.loc["c"].any()


def test_single_source_runs_are_set_aside() -> None:
    assert list(multi_source_runs(runs([("SS-R", ("a",)), ("MSS-CR", ("a", "b"))], "ab"))["strategy"]) == ["MSS-CR"]


def test_the_published_design_has_its_known_aliasing() -> None:
    if not PUBLISHED.exists():
        pytest.skip(f"the published design is not at {PUBLISHED}")
    table = pd.read_csv(PUBLISHED).head(352).astype(float)
    names = dict(enumerate(("MSS-CR", "MS-CR@2", "MS-CR@4", "MS-CR@6", "MS-SR@FC"), start=1))
    sources = [f"s{k}" for k in range(1, 9)]
    design = table[sources].add_prefix("source.").assign(strategy=table["arc"].astype(int).map(names))
    between = correlations(design, sources)
    np.testing.assert_allclose(between.iloc[:8, :8], np.corrcoef(table[sources].T), atol=1e-12)
    assert aliasing(between.iloc[:8, :8], 8) == pytest.approx(0.189, abs=5e-4)
