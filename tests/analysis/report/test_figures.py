"""No picture is cut at its edge, and none's words lie over each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.exhibits.effect_figures import strategy_effects
from analysis.exhibits.score_figures import scores_by_n_sources
from analysis.figures import panels, shared_legend
from analysis.models import strategy_model
from analysis.results_table import results_table
from study.pages.figures import drawing


def cut(figure: Figure, slack_inches: float = 0.02) -> list[str]:
    """The sides over which what is drawn reaches beyond the canvas."""
    with drawing():  # ticks may be made anew
        drawn = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    width, height = figure.get_size_inches()
    beyond = {"left": -drawn.x0, "bottom": -drawn.y0, "right": drawn.x1 - width, "top": drawn.y1 - height}
    return [side for side, reach in beyond.items() if reach > slack_inches]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of titles, axis names and upright tick labels of which one covers the other."""
    with drawing():
        figure.draw_without_rendering()  # words lie where they were last drawn, and that was at the file's resolution
    renderer = FigureCanvasAgg(figure).get_renderer()
    words: list[Text] = []
    for axes in figure.axes:
        words += [axes.title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            words += [label for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
                      for label in (tick.label1, tick.label2) if label.get_rotation() == 0]  # fmt: skip
    shown = [one for one in words if one.get_visible() and one.get_text()]
    boxes = [(one.get_text(), one.get_window_extent(renderer).padded(-1.0)) for one in shown]
    return [(a, b) for (a, of_a), (b, of_b) in combinations(boxes, 2) if of_a.overlaps(of_b)]


def test_no_picture_is_cut_at_its_edge(report) -> None:
    assert len(report.figures) > 10
    assert {name: sides for name, figure in report.figures.items() if (sides := cut(figure))} == {}


def test_no_words_cover_each_other(report) -> None:
    assert {name: pairs for name, figure in report.figures.items() if (pairs := overlapping(figure))} == {}


def test_a_cut_legend_and_covered_titles_are_found() -> None:
    with drawing():
        figure, axes = panels(2, width=2.3)
        for one in axes:
            one.set_title("a title that is as long as two panels are")
        figure.legend(axes[0].plot([0, 1]), ["a name " * 20], loc="outside upper center")
        figure.draw_without_rendering()
    assert cut(figure)[-2:] == ["right", "top"] or "right" in cut(figure)
    assert overlapping(figure)


def test_a_long_legend_stands_in_rows() -> None:
    names = [f"a source with a name of length {k}" for k in range(9)]
    with drawing():
        figure, (axes,) = panels(1, width=5.0)
        shared_legend(figure, {name: axes.plot(np.arange(2))[0] for name in names})
        figure.draw_without_rendering()
    assert cut(figure) == []


def test_effects_have_a_panel_for_what_the_model_has_and_none_else(results) -> None:
    runs = results["run_id"].unique()
    table = results_table(
        results.assign(**{"factor.loss": results["run_id"].isin(runs[::2]).map({True: "kl", False: "bce"})}), {}
    )

    def titles(rows, factors) -> list[str]:
        model = strategy_model(replace(table, scores=rows), factors)
        return [axes.get_title() for axes in strategy_effects(model).axes]

    simplest, each, further = "Strategy, with two sources (SS-R: one)", "Each further source", "Further factors"
    fewest = table.scores[(table.scores["n_sources"] <= 2) & table.scores["strategy"].isin(["SS-R", "MS-SR@FC"])]
    assert titles(table.scores, {}) == [simplest, each]
    assert titles(table.scores, {"loss": ["kl", "bce"]}) == [simplest, each, further]
    assert titles(fewest, {"loss": ["kl", "bce"]}) == [simplest, further]
    figure = scores_by_n_sources(replace(table, scores=fewest))
    with drawing():
        figure.draw_without_rendering()
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert {"1", "2"} <= set(ticks) and not any("." in text for text in ticks)
