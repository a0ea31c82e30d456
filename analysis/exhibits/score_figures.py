"""The scores themselves: by source, by strategy and by number of sources, on each target (paper, Fig. 8 to 10)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.baselines import by_kind_and_level
from analysis.figures import (
    BASELINE_STYLE,
    OF_SINGLE,
    OWN_BASELINE,
    colours_of,
    markers_of,
    panels,
    shared_legend,
)
from analysis.results_table import ResultsTable
from study.core.columns import source_column

FEWEST_FOR_A_BOX = 5


def single_source_scores(table: ResultsTable) -> pd.DataFrame:
    """Scores of single-source runs with the `source` of each; empty where there are none or it is not known."""
    single = table.scores[table.is_single]
    columns = [source_column(name) for name in table.sources]
    if single.empty or not columns:
        return single.iloc[:0].assign(source="")
    return single.assign(
        source=np.array(table.sources, dtype=object)[single[columns].to_numpy(dtype=float).argmax(axis=1)]
    )


def sources_by_target(table: ResultsTable) -> Figure:
    """Fig. 8: every single-source run on each target, the mean of each source, baselines as lines."""
    single = single_source_scores(table)
    sources = [name for name in table.sources if (single["source"] == name).any()]
    figure, axes = panels(len(table.targets), width=max(2.4, 0.26 * len(sources) + 0.8))
    lines: dict[str, object] = {}
    for one, target in zip(axes, table.targets, strict=True):
        here = single[single["target"] == target]
        for x, source in enumerate(sources):
            score = here.loc[here["source"] == source, "score"].to_numpy()
            one.plot(
                np.full(len(score), x),
                score,
                "o",
                color="#0072B2",
                markersize=4,
                markerfacecolor="none",
                markeredgewidth=0.8,
                alpha=0.8,
            )
            if len(score):
                one.plot(x, score.mean(), "o", color="#0072B2", markersize=5.5)
        lines |= _baseline_lines(one, table, target)
        one.set_xticks(range(len(sources)), sources, rotation=60, ha="right", rotation_mode="anchor")
        one.set_xlim(-0.6, len(sources) - 0.4)
        _name(one, table, target)
    shared_legend(figure, lines)
    return figure


def strategies_by_target(table: ResultsTable) -> Figure:
    """Fig. 9: boxes of the scores of each strategy on each target, points for the runs, baselines as lines."""
    figure, axes = panels(len(table.targets), width=max(2.4, 0.33 * len(table.strategies) + 0.8), height=2.8)
    lines: dict[str, object] = {}
    colours, markers = colours_of(table.known), markers_of(table.known)
    for one, target in zip(axes, table.targets, strict=True):
        here = table.scores[table.scores["target"] == target]
        for x, strategy in enumerate(table.strategies):
            score = here.loc[here["strategy"] == strategy, "score"].to_numpy()
            if not len(score):
                continue
            colour = colours[strategy]
            if len(score) >= FEWEST_FOR_A_BOX:
                parts = ("medianprops", "boxprops", "whiskerprops", "capprops")
                lines_of_box: dict[str, Any] = {part: {"color": colour} for part in parts}
                one.boxplot(score, positions=[x], widths=0.55, whis=(5, 95), showfliers=False, **lines_of_box)
            one.plot(
                x + _spread(len(score), 0.16),
                score,
                markers[strategy],
                color=colour,
                markersize=2.6,
                alpha=0.45,
                markeredgewidth=0,
                rasterized=True,
            )
            one.plot(x, score.mean(), markers[strategy], color=colour, markersize=7, markeredgecolor="white", zorder=5)
        lines |= _baseline_lines(one, table, target)
        one.set_xticks(range(len(table.strategies)), table.strategies, rotation=60, ha="right", rotation_mode="anchor")
        one.set_xlim(-0.6, len(table.strategies) - 0.4)
        _name(one, table, target)
    shared_legend(figure, lines)
    return figure


def scores_by_n_sources(table: ResultsTable) -> Figure:
    """Fig. 10: standardised score by number of sources; mean of each strategy and number, and each strategy's line."""
    figure, axes = panels(len(table.targets), per_row=4, share_y=True)
    strategies: dict[str, object] = {}
    colours, markers = colours_of(table.known), markers_of(table.known)
    for one, target in zip(axes, table.targets, strict=True):
        here = table.scores[table.scores["target"] == target]
        single = here.loc[table.is_single[here.index], "z"]
        if len(single):
            one.axhline(single.mean(), color=OF_SINGLE, linewidth=0.9)
        for position, strategy in enumerate(table.strategies):
            rows = here[here["strategy"] == strategy]
            colour, marker = colours[strategy], markers[strategy]
            shift = 0.0 if table.known[strategy].is_single else 0.11 * (position - len(table.strategies) / 2)
            one.plot(
                rows["n_sources"] + shift,
                rows["z"],
                marker,
                color=colour,
                markersize=2.6,
                alpha=0.4,
                markeredgewidth=0,
                rasterized=True,
            )
            means = rows.groupby("n_sources")["z"].mean()
            (strategies[strategy],) = one.plot(means.index + shift, means, marker, color=colour, markersize=5)
            if len(means) > 1:
                slope, intercept = np.polyfit(rows["n_sources"], rows["z"], 1)
                ends = np.array([rows["n_sources"].min(), rows["n_sources"].max()])
                one.plot(ends, intercept + slope * ends, color=colour)
        one.set(title=target, xlabel="number of sources")
        one.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes[0].set_ylabel("standardised score")
    shared_legend(figure, strategies)
    return figure


def _baseline_lines(axes: Axes, table: ResultsTable, target: str) -> dict[str, object]:
    """A line at the mean score of each baseline, and of each level of it, on the target; the lines by name.

    The dashes of further levels are longer.
    """
    lines: dict[str, object] = {}
    of_kind: dict[str, int] = {}
    for kind, name, rows in by_kind_and_level(table.baselines):
        style = kind if kind in BASELINE_STYLE else OWN_BASELINE
        colour, (offset, (dash, *rest)) = BASELINE_STYLE[style]
        dashes = offset, (dash + 3 * of_kind.get(style, 0), *rest)
        of_kind[style] = of_kind.get(style, 0) + 1
        score = rows.loc[rows["target"] == target, "score"].mean()
        if not np.isnan(score):
            lines[name] = axes.axhline(score, color=colour, linestyle=dashes, linewidth=1.6, zorder=1)
    return lines


def _name(axes: Axes, table: ResultsTable, target: str) -> None:
    axes.set(title=target, ylabel=table.moments.loc[target, "metric"])
    axes.grid(axis="x", visible=False)


def _spread(n: int, half_width: float) -> np.ndarray:
    """Offsets (n,) that keep points apart, the same every time."""
    return half_width * (2.0 * ((np.arange(n) * 0.6180339887) % 1.0) - 1.0)
