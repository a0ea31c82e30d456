"""The pictures of the design page."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from study.core.columns import SOURCE
from study.pages.figures import PageFigure, one_panel

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def prefix_curves(prefixes: pd.DataFrame, canonical: pd.DataFrame) -> Figure:
    """Balance, aliasing and efficiency wherever the phase stops."""
    figure = PageFigure(figsize=(10.5, 3.1), layout="constrained")
    by_balance, by_aliasing, by_efficiency = (figure.add_subplot(1, 3, panel) for panel in (1, 2, 3))
    by_balance.step(prefixes.n_runs, prefixes.unbalance, where="mid", color=BLUE)
    by_balance.set(title="Unbalance", ylabel="largest minus smallest level count", ylim=(0, None))
    by_aliasing.plot(prefixes.n_runs, prefixes.aliasing, color=BLUE, label="largest correlation")
    by_aliasing.plot(
        canonical.n_runs, canonical["any"], "o", ms=3.5, color=ORANGE, label="largest canonical correlation"
    )
    for name, colour, label in (
        ("aliasing_bound_balance", GREEN, "lower bound: same level counts"),
        ("aliasing_bound_size", "#777777", "lower bound: same size"),
    ):
        by_aliasing.plot(prefixes.n_runs, prefixes[name].where(prefixes[name] > 0), "--", color=colour, label=label)
    by_aliasing.set(title="Aliasing of the main effects", ylim=(0, 1))
    by_aliasing.legend(fontsize=8)
    by_efficiency.plot(prefixes.n_runs, prefixes.d_efficiency, color=BLUE, label="this plan")
    possible = prefixes.d_efficiency_bound.where(prefixes.d_efficiency_bound > 0)
    by_efficiency.plot(prefixes.n_runs, possible, "--", color=GREEN, label="upper bound")
    by_efficiency.set(title="D-efficiency, %", ylim=(min(80, np.nanmin([*prefixes.d_efficiency, 80])), 101))
    by_efficiency.legend(fontsize=8)
    for axes in (by_balance, by_aliasing, by_efficiency):
        axes.set_xlabel("runs of the phase")
    return figure


def margin_figure(curve: pd.DataFrame, kinds: Mapping[str, str], spent: list[float] | None) -> Figure:
    """Half-widths of intervals by the number of sequential runs, and above it what these runs cost."""
    figure, axes = one_panel(7.2, 3.6)
    for (kind, label), colour in zip(kinds.items(), (BLUE, ORANGE, GREEN), strict=True):
        if kind in curve:
            axes.plot(curve.n_runs, curve[kind], "o-", ms=3.5, color=colour, label=label)
    axes.set(xlabel="sequential runs", ylabel="half-width of the 95 % interval, SD", ylim=(0, None))
    axes.legend(fontsize=8)
    if spent:
        above = axes.secondary_xaxis("top")
        above.set_xticks(curve.n_runs, [f"{hours:.3g}" for hours in spent], fontsize=7)
        above.set_xlabel("hours, all runs until then")
    return figure


def fraction_figure(fractions: np.ndarray) -> Figure:
    """The share of the possible runs (101 percentiles) whose mean is predicted with a variance of at most so much."""
    figure, axes = one_panel(5.2, 3.1)
    axes.plot(np.arange(len(fractions)), fractions, color=BLUE)
    axes.set(xlabel="possible runs, %", ylabel="variance of prediction, at most", xlim=(0, 100), ylim=(0, None))
    return figure


def level_bars(levels: pd.DataFrame) -> Figure:
    """How many runs have each level of each factor (of a source: have it present), phases stacked."""
    is_source = levels.factor.str.startswith(SOURCE)
    present = levels[is_source & (levels.level == "True")]
    present = present.assign(level=present.factor.str.removeprefix(SOURCE), factor="source present")
    shown = pd.concat([levels[~is_source], present])
    factors, phases = list(dict.fromkeys(shown.factor)), list(dict.fromkeys(levels.phase))
    per_row = min(len(factors), 4)
    rows = -(-len(factors) // per_row)
    figure = PageFigure(figsize=(11, 2.9 * rows), layout="constrained")
    for position, factor in enumerate(factors):
        axes = figure.add_subplot(rows, per_row, position + 1)
        of = shown[shown.factor == factor]
        ticks = list(dict.fromkeys(of.level))
        bottom = np.zeros(len(ticks))
        for phase, colour in zip(phases, cycle(mpl.color_sequences["tab10"]), strict=False):
            counts = of[of.phase == phase].set_index("level").n_runs.reindex(ticks, fill_value=0).to_numpy()
            axes.bar(range(len(ticks)), counts, bottom=bottom, color=colour, label=phase)
            bottom += counts
        axes.set_ylim(0, 1.05 * bottom.max())
        axes.set_xticks(range(len(ticks)), ticks, rotation=40, ha="right", rotation_mode="anchor", fontsize=7)
        axes.set_title(factor)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(phases), 6))
    return figure
