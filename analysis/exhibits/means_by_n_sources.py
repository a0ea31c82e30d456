"""The first model's means along the number of sources, with their bands, on the runs that they describe."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.contrasts import marginal_means, strategies_at
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import OF_SINGLE, colours_of, markers_of, panels
from analysis.fitted_model import Model
from analysis.results_table import ResultsTable

NAME, TITLE = "means_by_n_sources", "Estimated means by number of sources"
COLUMNS = ["strategy", "n_sources", "estimate", "ci_low", "ci_high"]


def exhibit(evidence: Evidence) -> Exhibit:
    """Marginal means over n with bands on the data."""
    means = means_by_n_sources(evidence.strategy, evidence.table.scores)
    if means.empty:
        why = "no number of sources varies within a strategy, or it is not known"
        return Exhibit(NAME, "strategies", (Picture(NAME, TITLE, f"Not drawn: {why}.", None),))
    caption = (
        "Lines: marginal means of the first model with pointwise 95 % intervals (Satterthwaite), over the numbers of "
        "sources that a strategy was run with, further factors at their mean; black: "
        f"{evidence.table.single}. Points: runs, each the mean "
        "of its standardised scores over the targets."
    )
    picture = Picture(NAME, TITLE, caption, lambda: _draw(means, evidence.table))
    note = "Marginal means of the first model with pointwise 95 % intervals, at the numbers of sources that were run."
    return Exhibit(NAME, "strategies", (picture, Table(NAME, TITLE, note, means)))


def means_by_n_sources(model: Model, rows: pd.DataFrame) -> pd.DataFrame:
    """`strategy, n_sources, estimate, ci_low, ci_high` at each number from a strategy's fewest sources to its most."""
    if model.fit is None or not any(term.endswith(":n_star") for term in model.fit.fixed_terms):
        return pd.DataFrame(columns=COLUMNS)
    known = model.coding.strategies
    run_with = rows.groupby("strategy")["n_sources"]
    least, most = run_with.min(), run_with.max()
    found = []
    for n in range(2, int(most.max()) + 1):
        names = [
            name
            for name in strategies_at(model.fit, rows, n - 2.0, known)
            if not known[name].is_single and least[name] <= n <= most[name]
        ]
        if names:
            found.append(marginal_means(model.fit, n - 2.0, names).assign(n_sources=n))
    single = [name for name in strategies_at(model.fit, rows, 0.0, known) if known[name].is_single]
    if single:
        found.insert(0, marginal_means(model.fit, 0.0, single).assign(n_sources=1))
    means = pd.concat(found, ignore_index=True)[COLUMNS]
    order = {name: position for position, name in enumerate(known)}
    return means.sort_values("strategy", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)


def _draw(means: pd.DataFrame, table: ResultsTable) -> Figure:
    colour, marker = colours_of(table.known), markers_of(table.known)
    strategies = [name for name in dict.fromkeys(means["strategy"]) if not table.known[name].is_single]
    runs = table.scores.groupby(["strategy", "n_sources", "run_id"])["z"].mean().reset_index()
    figure, axes = panels(len(strategies), width=2.3, per_row=3, share_y=True)
    single = means[means["strategy"].map(lambda name: table.known[name].is_single)]
    for one, name in zip(axes, strategies, strict=True):
        for row in single.itertuples():
            one.axhspan(row.ci_low, row.ci_high, color=OF_SINGLE, alpha=0.08, linewidth=0)
            one.axhline(row.estimate, color=OF_SINGLE, linewidth=0.9)
        own, points = means[means["strategy"] == name], runs[runs["strategy"] == name]
        one.fill_between(own["n_sources"], own["ci_low"], own["ci_high"], color=colour[name], alpha=0.25, linewidth=0)
        one.plot(own["n_sources"], own["estimate"], color=colour[name])
        one.plot(points["n_sources"], points["z"], marker[name], color=colour[name], markersize=3.2, alpha=0.7)
        one.set(title=name, xlabel="number of sources")
        one.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("standardised score")
    return figure
