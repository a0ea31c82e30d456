"""Runs are compared with the untrained network of their own level, in sentences, figures and tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.against_baselines import against_baselines
from analysis.baselines import with_own_baseline
from analysis.exhibits import strategy_scores
from analysis.exhibits.exhibit import Table
from analysis.exhibits.score_figures import sources_by_target, strategies_by_target
from analysis.exhibits.trained_and_baselines import sentences
from analysis.report.source_findings import on_sources
from analysis.results_table import ResultsTable, results_table


@pytest.fixture(scope="module")
def table() -> ResultsTable:
    """Training adds 0.05 to either network, but most runs are of the narrow one, whose untrained form is worse.

    Held against all Random together (0.60), the mean run (0.58) would lose, and the best source, which was only trained
    wide, would win by 0.15.
    """
    rng = np.random.default_rng(0)
    level = {0.5: 0.50, 1.0: 0.70}
    runs = [("tag", 0.5), ("tag", 0.5), ("tag", 0.5), ("year", 0.5), ("year", 0.5), ("self", 1.0)]
    rows = [
        (f"run{number}", "SS-R", source, width, target, level[width] + 0.05 + 0.001 * rng.standard_normal())
        for number, (source, width) in enumerate(runs) for target in ("a", "b")
    ]  # fmt: skip
    rows += [("mfcc", "MFCC", "", np.nan, target, 0.57) for target in ("a", "b")]
    rows += [
        (f"random-{width}-{seed}", "Random", "", width, target, level[width] + 0.01 * seed)
        for width in level for seed in (-1, 1) for target in ("a", "b")
    ]  # fmt: skip
    given = pd.DataFrame(rows, columns=["run_id", "strategy", "source", "factor.width", "target", "score"])
    present = {f"source.{name}": given["source"] == name for name in ("self", "tag", "year")}
    return results_table(given.drop(columns="source").assign(**present), {})


def test_each_run_has_the_mean_of_its_own_level(table: ResultsTable) -> None:
    random = table.baselines[table.baselines["strategy"] == "Random"]
    matched = with_own_baseline(table.scores, random)
    assert len(matched) == len(table.scores)
    np.testing.assert_allclose(matched["baseline_score"], np.where(matched["factor.width"] == 0.5, 0.5, 0.7))
    narrow = with_own_baseline(table.scores, random[random["factor.width"] == 0.5])
    assert set(narrow["factor.width"]) == {0.5}  # a level without a baseline is compared with none
    mfcc = with_own_baseline(table.scores, table.baselines[table.baselines["strategy"] == "MFCC"])
    assert len(mfcc) == len(table.scores) and set(mfcc["baseline_score"]) == {0.57}


def test_sentences_compare_within_levels(table: ResultsTable) -> None:
    mfcc, random = sentences(table, against_baselines(table))
    assert "above that of MFCC on 2 of 2 targets." in mfcc
    assert random.endswith(
        "above that of Random on 2 of 2 targets. Each run is compared with the Random of its own width."
    )
    differences = against_baselines(table).set_index("effect")["estimate"]
    assert differences["Random"] == pytest.approx((0.05 / table.moments["sd"]).mean(), abs=0.02)
    (sentence,) = on_sources(table)
    assert "a: self (0.749, Random" in sentence and sentence.count("Random 0.700") == 2


@pytest.mark.parametrize("draw", [sources_by_target, strategies_by_target])
def test_figures_have_a_line_for_each_level(table: ResultsTable, draw) -> None:
    figure = draw(table)
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["MFCC", "Random (width 0.5)", "Random (width 1)"]
    for axes in figure.axes:
        levels = [round(float(line.get_ydata()[0]), 6) for line in axes.lines if list(line.get_xdata()) == [0, 1]]
        assert levels == [0.57, 0.5, 0.7]


def test_the_table_of_means_has_a_row_for_each_level(table: ResultsTable) -> None:
    written = {each.name: each for each in strategy_scores.shown(table) if isinstance(each, Table)}
    means = written["scores_by_strategy"].frame.set_index("strategy")
    assert list(means.index) == ["SS-R", "MFCC", "Random (width 0.5)", "Random (width 1)"]
    assert means.loc["Random (width 1)", "a"] == pytest.approx(0.7)
