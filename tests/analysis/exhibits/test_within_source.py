from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.exhibits.within_source import ALL, sentences, within_source_spread
from analysis.results_table import results_table


def test_ratios_are_of_deviations_and_pooled_over_sources(results) -> None:
    table = results_table(results, {})
    spread = within_source_spread(table).set_index(["target", "source"])
    single = table.scores[(table.scores["strategy"] == "SS-R") & (table.scores["target"] == "gtzan")]
    by_source = {name: single.loc[single[f"source.{name}"], "z"] for name in table.sources}
    for name, z in by_source.items():
        assert spread.loc[("gtzan", name), "ratio"] == pytest.approx(z.std(ddof=1))
    pooled = np.sqrt(sum(((z - z.mean()) ** 2).sum() for z in by_source.values()) / 12)
    row = spread.loc[("gtzan", ALL)]
    assert (row["n_runs"], row["ratio"]) == (16, pytest.approx(pooled))
    assert row["low"] == pytest.approx(pooled * np.sqrt(12 / stats.chi2.ppf(0.975, 12)))
    assert row["low"] < row["ratio"] < row["high"]


def test_the_sentence_has_the_papers_two_numbers(results) -> None:
    spread = within_source_spread(results_table(results, {}))
    cases = spread.loc[spread["source"] != ALL, "ratio"]
    (said,) = sentences(spread)
    assert (
        f"at most {cases.median():.0%} of that" in said and f"at most {cases.quantile(0.9):.0%} in nine of ten" in said
    )
    assert "16 pairs of source and target" in said


def test_levels_of_a_factor_are_no_repeats(simulate) -> None:
    rows = simulate(per_cell=2)
    rows["factor.width"] = rows["run_id"].map({run: k % 2 for k, run in enumerate(rows["run_id"].unique())})
    assert within_source_spread(results_table(rows, {})).empty


def test_without_repeats_it_says_so(simulate) -> None:
    spread = within_source_spread(results_table(simulate(per_cell=1), {}))
    assert spread.empty
    assert "no source was trained twice" in next(sentences(spread))
