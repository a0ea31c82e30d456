from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.components import source_components
from analysis.exhibits.component_match import correlations_by_target, sentences, shown, single_and_component
from analysis.results_table import results_table


def pairs(r_of: dict[str, int], n: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frames = [
        pd.DataFrame({"target": target, "source": [f"s{k}" for k in range(n)], "single": np.arange(n) * sign + 0.0,
                      "percent": np.arange(n) + rng.standard_normal(n)})
        for target, sign in r_of.items()
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def test_a_targets_correlation_has_fishers_interval_from_its_sources() -> None:
    found = correlations_by_target(pairs({"a": 1, "b": -1})).set_index("target")
    given = pairs({"a": 1, "b": -1})
    here = given[given["target"] == "a"]
    r = np.corrcoef(here["single"], here["percent"])[0, 1]
    low, high = np.tanh(np.arctanh(r) + np.array([-1, 1]) * stats.norm.ppf(0.975) / np.sqrt(8 - 3))
    assert tuple(found.loc["a", ["n_sources", "r", "low", "high"]]) == pytest.approx((8, r, low, high))
    assert found.loc["mean over targets", "low"] < 0 < found.loc["mean over targets", "high"]
    together = np.corrcoef(given["single"], given["percent"])[0, 1]
    assert found.loc["all pairs together", "r"] == pytest.approx(together)
    assert np.isnan(found.loc["all pairs together", "low"])


def test_few_sources_have_no_correlation() -> None:
    assert correlations_by_target(pairs({"a": 1, "b": 1}, n=3)).empty


def test_pairs_are_of_the_same_source_and_target(results) -> None:
    table = results_table(results, {})
    components = list(source_components(table, np.random.default_rng(0)))
    found = single_and_component(table, components)
    row = found[(found["target"] == "ballroom") & (found["source"] == "bpm")].iloc[0]
    single = table.scores[(table.scores["strategy"] == "SS-R") & table.scores["source.bpm"].astype(bool)]
    assert row["single"] == pytest.approx(single.loc[single["target"] == "ballroom", "z"].mean())
    assert row["percent"] == components[0].percent.set_index("source").loc["bpm", "percent"]
    picture, correlations = shown(table, components)
    assert picture.draw is not None and f"of all {len(found)} pairs" in picture.caption
    assert correlations.frame["n_sources"].dropna().isin([4]).all()
    (said,) = sentences(table, components)
    assert "mean of 4 targets with 4 sources" in said


def test_without_components_it_says_so(simulate) -> None:
    table = results_table(simulate(strategies={"SS-R": 0.0}), {})
    (picture,) = shown(table, list(source_components(table, np.random.default_rng(0))))
    assert picture.draw is None and picture.caption.startswith("Not drawn")
