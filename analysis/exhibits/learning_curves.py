"""How the training went: losses by epoch of each source, by strategy, on the tracks learned from and on the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels, shared_legend
from study.core.strategies import BUILT_IN, Strategies

LOSSES = {"loss": "training", "validation_loss": "validation"}
MOST_LINES = 4
"""Of a source in a panel; more runs are drawn as their median and a band."""
BAND = (0.1, 0.9)
FEW_EPOCHS = 12
"""So few are marked by points, else a run of a single epoch would not be seen."""
FACTOR_FOR_LOG = 5
# Okabe & Ito 2008, then the same dashed
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000", "#8B6914")
DASHES = ("solid", "dashed", "dotted")


def exhibit(evidence: Evidence) -> Exhibit:
    """The picture and its numbers, from `options.curves`: `run_id, strategy, source, epoch, loss, validation_loss`, one
    row per run, source and epoch. Without them, as for a table from elsewhere, there is nothing to show."""
    curves = evidence.options.curves
    return Exhibit(
        "learning_curves",
        "runs",
        () if curves is None else tuple(shown(evidence.table.sources, curves, evidence.table.known)),
    )


def shown(sources: Sequence[str], curves: pd.DataFrame, strategies: Strategies = BUILT_IN) -> Iterator[Picture | Table]:
    """The picture, colours in the order of `sources`, and its table."""
    n_runs = curves["run_id"].nunique()
    yield Picture(
        "learning_curves",
        "Learning curves",
        f"Loss of each source by epoch in {n_runs} runs, by strategy: on the training tracks (mean over the epoch's "
        f"steps) and on the validation tracks (at its end), in nat. One line per run; if more than {MOST_LINES} "
        f"runs of a strategy learned from a source, their median with a band from the {BAND[0]:.0%} to the "
        f"{BAND[1]:.0%} quantile. Losses of different sources are on different scales: compare only the shapes."
        if n_runs
        else "Not drawn: no run of this study has logged an epoch.",
        (lambda: learning_curves(sources, curves, strategies)) if n_runs else None,
    )
    if n_runs:
        yield Table(
            "learning_curves",
            "Learning curves",
            "Loss by strategy, source and epoch: median over the runs, and the quantiles of the band.",
            by_epoch(curves),
            on_page=False,
        )


def by_epoch(curves: pd.DataFrame) -> pd.DataFrame:
    """`strategy, source, epoch, n_runs`; for each of `LOSSES` its median over the runs, `_low` and `_high`."""
    groups = curves.groupby(["strategy", "source", "epoch"], sort=False)
    table = groups["run_id"].nunique().rename("n_runs").to_frame()
    for name in LOSSES:
        table[name] = groups[name].median()
        table[f"{name}_low"], table[f"{name}_high"] = (groups[name].quantile(edge) for edge in BAND)
    return table.reset_index()


def learning_curves(sources: Sequence[str], curves: pd.DataFrame, known: Strategies = BUILT_IN) -> Figure:
    """A pair of panels for each strategy, training and validation, on one scale of losses."""
    strategies = [name for name in known if (curves["strategy"] == name).any()]
    figure, axes = panels(len(LOSSES) * len(strategies), height=2.3, share_y=True)
    style = {
        source: {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k // len(COLOURS) % len(DASHES)]}
        for k, source in enumerate(sources)
    }
    summary = by_epoch(curves)
    drawn: dict[str, object] = {}
    spots = [(strategy, name) for strategy in strategies for name in LOSSES]
    for one, (strategy, name) in zip(axes, spots, strict=True):
        here = curves[curves["strategy"] == strategy]
        for source, of in here.groupby("source", sort=False):
            if of["run_id"].nunique() > MOST_LINES:
                rows = summary[(summary["strategy"] == strategy) & (summary["source"] == source)]
                drawn[source] = _band(one, rows, name, style[source])
            else:
                drawn[source] = _lines(one, of, name, style[source])
        one.set(title=f"{strategy}: {LOSSES[name]}", xlabel="epoch")
        one.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        one.tick_params(labelleft=one in axes[::4])
    _scale(axes[0], curves[list(LOSSES)].to_numpy())
    for one in axes[::4]:
        one.set_ylabel("loss")
    shared_legend(figure, {source: drawn[source] for source in style if source in drawn})
    return figure


def _band(axes: Axes, rows: pd.DataFrame, name: str, style: dict[str, str]) -> object:
    epochs = rows["epoch"]
    axes.fill_between(epochs, rows[f"{name}_low"], rows[f"{name}_high"], color=style["color"], alpha=0.15, linewidth=0)
    return axes.plot(epochs, rows[name], marker=_marker(epochs), markersize=3, **style)[0]


def _lines(axes: Axes, rows: pd.DataFrame, name: str, style: dict[str, str]) -> object:
    line = None
    for _, of in rows.groupby("run_id", sort=False):
        (line,) = axes.plot(of["epoch"], of[name], marker=_marker(of["epoch"]), markersize=3, linewidth=0.8, **style)
    return line


def _scale(axes: Axes, losses: np.ndarray) -> None:
    """Logarithmic where losses differ by a factor of `FACTOR_FOR_LOG`; shared with the other panels."""
    positive = losses[losses > 0]
    if len(positive) and positive.max() > FACTOR_FOR_LOG * positive.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _marker(epochs: pd.Series) -> str:
    return "." if np.ptp(epochs) < FEW_EPOCHS else ""
