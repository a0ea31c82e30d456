"""What the strategies share (paper, Table 4), and how large their networks are by number of sources (5.4, Fig. 15)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import colours_of, markers_of, panels, shared_legend
from analysis.results_table import ResultsTable
from study.core.coding import is_single
from study.core.strategies import ALL, BUILT_IN, NONE, Strategies


def exhibit(evidence: Evidence) -> Exhibit:
    """Sizes of the networks."""
    note = "Dimensions of a representation: d of one source, m sources."
    shares = Table("strategies", "What the strategies share", note, architectures(evidence.table))
    return Exhibit("compactness", "strategies", (*shown(evidence.table.frozen), shares))


def architectures(table: ResultsTable) -> pd.DataFrame:
    """Table 4 of the paper: whether a strategy has several sources, how much of the network they share, whether their
    representations are concatenated, and the dimensions."""
    rows = []
    for name in table.strategies:
        strategy = table.known[name]
        branches = not strategy.is_single and strategy.share != ALL
        none_or_all = {NONE: "no", ALL: "no" if strategy.is_single else "yes"}
        rows.append(
            {
                "strategy": name,
                "several_sources": "no" if strategy.is_single else "yes",
                "shared": none_or_all.get(strategy.share, f"up to {strategy.share}"),
                "concatenated": "yes" if branches else "no",
                "dimensions": "d x m" if branches else "d",
            }
        )
    return pd.DataFrame(rows)


def shown(table: ResultsTable) -> Iterator[Picture | Table]:
    """Fig. 15, and its numbers."""
    name, title, cells = "parameters_by_n_sources", "Size of the networks", parameters(table)
    if cells.empty:
        yield Picture(
            name, title, "Not drawn: the table does not give the numbers of parameters and sources of each run.", None
        )
        return
    caption = "Trainable parameters, including output layers: mean over the runs of a strategy and number of sources."
    yield Picture(name, title, caption, lambda: parameters_by_n_sources(cells, table.known))
    note = f"Mean number of trainable parameters, and its ratio to that of {table.single}."
    yield Table("parameters", title, note, cells)


def parameters(table: ResultsTable) -> pd.DataFrame:
    """`strategy, n_sources, n_runs, n_parameters` (mean over the runs), `of_single`, that over a single source's mean.

    Empty where the rows do not say; networks of one cell differ with their sources' output layers and with factors.
    """
    runs = table.runs
    if not {"n_parameters", "n_sources"} <= set(runs) or runs["n_parameters"].isna().all():
        return pd.DataFrame(columns=["strategy", "n_sources", "n_runs", "n_parameters", "of_single"])
    cells = runs.groupby(["strategy", "n_sources"])["n_parameters"].agg(n_runs="size", n_parameters="mean")
    cells = cells.reindex(list(table.known), level="strategy").reset_index()
    return cells.assign(of_single=cells["n_parameters"] / runs.loc[is_single(runs, table.known), "n_parameters"].mean())


def parameters_by_n_sources(cells: pd.DataFrame, strategies: Strategies = BUILT_IN) -> Figure:
    """Fig. 15: millions of trainable parameters by number of sources, a line a strategy."""
    figure, (axes,) = panels(1, width=5.6, height=3.4)
    drawn, colours, markers = {}, colours_of(strategies), markers_of(strategies)
    for strategy, here in cells.groupby("strategy", sort=False):
        (drawn[strategy],) = axes.plot(
            here["n_sources"],
            here["n_parameters"] / 1e6,
            marker=markers[strategy],
            color=colours[strategy],
            markersize=5,
        )
    axes.set(xlabel="number of sources", ylabel="million parameters", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shared_legend(figure, drawn)
    return figure
