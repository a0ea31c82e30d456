"""How large the networks are by strategy and number of sources (paper 5.4, Fig. 15)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import COLOUR, MARKER, panels, shared_legend
from analysis.results_table import ResultsTable
from study.core.coding import SINGLE
from study.core.factors import STRATEGIES


def exhibit(evidence: Evidence) -> Exhibit:
    """Sizes of the networks."""
    return Exhibit("compactness", "strategies", tuple(shown(evidence.table.frozen)))


def shown(table: ResultsTable) -> Iterator[Picture | Table]:
    """Fig. 15, and its numbers."""
    name, title, cells = "parameters_by_n_sources", "Size of the networks", parameters(table)
    if cells.empty:
        yield Picture(
            name, title, "Not drawn: the table does not give the numbers of parameters and sources of each run.", None
        )
        return
    caption = "Trainable parameters, including output layers: mean over the runs of a strategy and number of sources."
    yield Picture(name, title, caption, lambda: parameters_by_n_sources(cells))
    note = "Mean number of trainable parameters, and its ratio to that of SS-R."
    yield Table("parameters", title, note, cells)


def parameters(table: ResultsTable) -> pd.DataFrame:
    """`strategy, n_sources, n_runs, n_parameters` (mean over the runs), `of_single`, that over SS-R's mean.

    Empty where the rows do not say; networks of one cell differ with their sources' output layers and with factors.
    """
    runs = table.runs
    if not {"n_parameters", "n_sources"} <= set(runs) or runs["n_parameters"].isna().all():
        return pd.DataFrame(columns=["strategy", "n_sources", "n_runs", "n_parameters", "of_single"])
    cells = runs.groupby(["strategy", "n_sources"])["n_parameters"].agg(n_runs="size", n_parameters="mean")
    cells = cells.reindex(STRATEGIES, level="strategy").reset_index()
    return cells.assign(of_single=cells["n_parameters"] / runs.loc[runs["strategy"] == SINGLE, "n_parameters"].mean())


def parameters_by_n_sources(cells: pd.DataFrame) -> Figure:
    """Fig. 15: millions of trainable parameters by number of sources, a line a strategy."""
    figure, (axes,) = panels(1, width=5.6, height=3.4)
    drawn = {}
    for strategy, here in cells.groupby("strategy", sort=False):
        (drawn[strategy],) = axes.plot(
            here["n_sources"], here["n_parameters"] / 1e6, marker=MARKER[strategy], color=COLOUR[strategy], markersize=5
        )
    axes.set(xlabel="number of sources", ylabel="million parameters", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shared_legend(figure, drawn)
    return figure
