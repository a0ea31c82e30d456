"""Estimated effects with their 95 % intervals (paper, Fig. 11 and 12)."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import colours_of, markers_of, panels
from analysis.fitted_model import Model
from analysis.wording import number
from study.core.coding import is_intercept, strategy_of
from study.core.columns import FACTOR
from study.core.strategies import single_of

SIZE_LABELS = {
    "intercept": "intercept\n(r* = 0)",
    "r_star": "network size\nr* from 0 to 1",
    "n_star": "each further\nsource n*",
    "r_star:n_star": "r* x n*",
}


def strategy_effects(model: Model, beside: Model | None = None) -> Figure:
    """Fig. 11: the strategies' intercepts, their slopes on n*, and further factors, as far as the model has them."""
    is_slope, is_factor = model.fixed["term"].str.endswith(":n_star"), model.fixed["term"].str.startswith(FACTOR)
    known = model.coding.strategies
    single = single_of(known, map(strategy_of, filter(is_intercept, model.coding.columns)))
    colour, marker = colours_of(known), markers_of(known)
    shown = [
        (f"Strategy, with two sources ({single}: one)", "standardised score", model.fixed[~is_slope & ~is_factor]),
        ("Each further source", "change of standardised score", model.fixed[is_slope]),
        ("Further factors", "change of standardised score", model.fixed[is_factor]),
    ]
    shown = [one for one in shown if len(one[2])]
    figure, panel = panels(len(shown), width=4.2, height=3.2, per_row=2)
    for axes, (title, label, effects) in zip(panel, shown, strict=True):
        names = [
            term.removeprefix(FACTOR) if term.startswith(FACTOR) else strategy_of(term) for term in effects["term"]
        ]
        colours, markers = [colour.get(name, "#0072B2") for name in names], [marker.get(name, "o") for name in names]
        _intervals(axes, names, effects, colours, markers, beside)
        axes.tick_params(axis="x", labelrotation=30)
        axes.set(title=title, ylabel=label)
    return figure


def size_effects(model: Model, beside: Model | None = None) -> Figure:
    """Fig. 12: intercept, size of the network, number of sources, and their product."""
    figure, (axes,) = panels(1, width=5.2, height=3.2)
    effects = model.fixed[model.fixed["term"].isin(SIZE_LABELS)]
    _intervals(axes, [SIZE_LABELS[term] for term in effects["term"]], effects, ["#0072B2"] * 4, ["o"] * 4, beside)
    axes.set(title="Network size and number of sources", ylabel="standardised score")
    return figure


def _intervals(
    axes: Axes,
    names: list[str],
    effects: pd.DataFrame,
    colours: list[str],
    markers: list[str],
    beside: Model | None = None,
) -> None:
    """Estimates with their intervals; those of the model `beside`, where it has them, as thin grey lines."""
    axes.axhline(0.0, color="#999999", linewidth=0.8)
    if beside is not None and beside.fit is not None:
        other = beside.fixed.set_index("term").reindex(effects["term"])
        axes.vlines([x + 0.12 for x in range(len(other))], other["ci_low"], other["ci_high"], "#777777", linewidth=0.8)
    for x, (row, colour, marker) in enumerate(zip(effects.itertuples(), colours, markers, strict=False)):
        axes.plot([x, x], [row.ci_low, row.ci_high], color=colour, linewidth=1.8, solid_capstyle="butt")
        if "bootstrap_low" in effects:
            axes.plot([x - 0.12] * 2, [row.bootstrap_low, row.bootstrap_high], color=colour, linewidth=0.8)
        axes.plot(x, row.estimate, marker=marker, color=colour, markersize=6.5, linestyle="none")
        axes.annotate(
            number(row.estimate),
            (x, row.estimate),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, max(len(names), 1) - 0.25)
    axes.grid(axis="x", visible=False)
