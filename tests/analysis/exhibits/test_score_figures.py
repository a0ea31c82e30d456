from __future__ import annotations

import numpy as np

from analysis.exhibits.score_figures import (
    scores_by_n_sources,
    single_source_scores,
    sources_by_target,
    strategies_by_target,
)
from analysis.results_table import results_table


def test_each_single_source_run_is_told_its_source(results) -> None:
    single = single_source_scores(results_table(results, {}))
    assert set(single["strategy"]) == {"SS-R"}
    for name in ("self", "bpm", "year", "tag"):
        assert single.loc[single["source"] == name, f"source.{name}"].all()
    assert single.groupby("source")["run_id"].nunique().to_dict() == dict.fromkeys(("self", "bpm", "year", "tag"), 4)


def test_every_target_has_its_panel_with_every_run_and_baseline_in_it(results) -> None:
    table = results_table(results, {})
    for draw in (sources_by_target, strategies_by_target):
        figure = draw(table)
        assert [axes.get_title() for axes in figure.axes] == list(table.targets)
        for axes, target in zip(figure.axes, table.targets, strict=True):
            drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float).ravel() for line in axes.lines])
            shown = table.scores[table.scores["target"] == target]
            expected = shown[shown["strategy"] == "SS-R"]["score"] if draw is sources_by_target else shown["score"]
            baselines = table.baselines[table.baselines["target"] == target]["score"]
            assert np.isin(expected.to_numpy(), drawn).all()
            assert np.isin(baselines.to_numpy(), drawn).all()
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["MFCC", "Random"]


def test_strategies_keep_their_lines_by_number_of_sources(results) -> None:
    table = results_table(results, {})
    figure = scores_by_n_sources(table)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(table.strategies)
