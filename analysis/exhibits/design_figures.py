"""What was actually run: aliasing of its factors (paper, Fig. 7) and how often each level occurs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import colours_of, panels
from study.core.coding import is_single, source_columns, strategy_columns, strategy_of
from study.core.columns import SOURCE
from study.core.strategies import BUILT_IN, Strategies


def multi_source_runs(runs: pd.DataFrame, strategies: Strategies = BUILT_IN) -> pd.DataFrame:
    """The runs that say something on which sources go together: a single source aliases with it by its nature."""
    return runs[~is_single(runs, strategies)]


def correlations(runs: pd.DataFrame, sources: Sequence[str], strategies: Strategies = BUILT_IN) -> pd.DataFrame:
    """Correlations between the columns of sources and strategies over the runs; a constant column's are 0."""
    columns = pd.concat([source_columns(runs, sources), strategy_columns(runs, strategies)], axis=1)
    values = columns.to_numpy() - columns.to_numpy().mean(axis=0)
    length = np.sqrt((values**2).sum(axis=0))
    length[length < 1e-12] = np.inf
    names = [name.removeprefix(SOURCE).removeprefix("strategy[").removesuffix("]") for name in columns]
    return pd.DataFrame((values / length).T @ (values / length), names, names)


def aliasing(between: pd.DataFrame, n_sources: int) -> float:
    """The largest absolute correlation between different factors; the first `n_sources` columns are one factor each."""
    different = np.triu(np.ones(between.shape, dtype=bool), 1)
    different[n_sources:, n_sources:] = False
    return float(np.abs(between.to_numpy()[different]).max(initial=0.0))


def balance_bars(runs: pd.DataFrame, sources: Sequence[str], strategies: Strategies = BUILT_IN) -> Figure:
    """How many runs have each strategy, each source, and each number of sources."""
    figure, (by_strategy, by_source, by_number) = panels(3, width=3.4, height=2.8)
    counts = strategy_columns(runs, strategies).sum()
    names = [strategy_of(name) for name in counts.index]
    by_strategy.bar(names, counts, color=[colours_of(strategies)[name] for name in names])
    present = source_columns(runs, sources).sum()
    by_source.bar([name.removeprefix(SOURCE) for name in present.index], present, color="#0072B2")
    if "n_sources" in runs:
        numbers = runs["n_sources"].value_counts().sort_index()
        by_number.bar([f"{n:g}" for n in numbers.index], numbers, color="#0072B2")
    by_strategy.set(title="strategy", ylabel="runs")
    by_source.set(title="source present")
    by_number.set(title="number of sources")
    for axes in (by_strategy, by_source, by_number):
        axes.tick_params(axis="x", labelrotation=60)
        axes.grid(axis="x", visible=False)
    return figure
