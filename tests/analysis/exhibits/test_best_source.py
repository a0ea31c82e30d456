from __future__ import annotations

import pandas as pd
import pytest
from statsmodels.formula.api import ols

from analysis.exhibits.best_source import best_sources, effect_of_best_source, sentences, shown
from analysis.results_table import results_table


@pytest.fixture(scope="module")
def table(results):
    return results_table(results, {})


def shown_of(table):
    return shown(table, effect_of_best_source(table))


def test_the_best_source_is_that_of_the_highest_single_mean(table) -> None:
    best = best_sources(table)
    assert list(best) == list(table.targets)
    assert best["ballroom"] == "bpm"


def test_its_effect_is_at_equal_strategy_and_number_of_sources(table) -> None:
    effects = effect_of_best_source(table).set_index("target")
    several = table.scores[(table.scores["strategy"] != "SS-R") & (table.scores["target"] == "ballroom")]
    fit = ols("z ~ strategy + n_sources + present", several.assign(present=several["source.bpm"].astype(float))).fit()
    row = effects.loc["ballroom"]
    assert row["difference"] == pytest.approx(fit.params["present"])
    low, high = fit.conf_int(1.0 - 0.95 ** (1 / len(effects))).loc["present"]  # Sidak, over the targets
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=0.01)
    assert row["ci_low"] < 0.15 / table.moments.loc["ballroom", "sd"] < row["ci_high"], "planted: 1.5 times 0.1"
    assert row["n_with"] + row["n_without"] == len(several)


def test_the_sentence_counts_targets_and_names_the_extremes(table) -> None:
    effects = effect_of_best_source(table)
    (said,) = sentences(effects)
    assert f"on {(effects['ci_low'] > 0).sum()} of 4 targets" in said
    assert "; bpm on ballroom)" in said


def test_where_all_runs_have_the_source_there_is_no_effect(simulate) -> None:
    rows = simulate(seed=3, source_effects={(t, "self"): 4.0 for t in ("ballroom", "gtzan", "irmas", "valence")})
    rows = rows[(rows["strategy"] == "SS-R") | rows["source.self"] | (rows["phase"] == "baseline")]
    table = results_table(rows, {})
    assert set(best_sources(table).values()) == {"self"}
    effects = effect_of_best_source(table)
    assert effects.empty and not list(sentences(effects))
    (picture,) = shown(table, effects)
    assert picture.draw is not None


def test_what_cannot_be_drawn_is_said(results) -> None:
    rows = results[results["strategy"] != "SS-R"]
    (picture,) = shown_of(results_table(rows, {}))
    assert picture.draw is None and picture.caption.startswith("Not drawn: there are no single-source scores")
    bare = results.groupby(["run_id", "target", "strategy"], as_index=False)["score"].mean()
    (picture,) = shown_of(results_table(pd.DataFrame(bare), {}))
    assert picture.caption == "Not drawn: the table does not give the number of sources of each run."
