"""Whether the sources that multi-source scores depend on are those that do well alone (paper 5.3, Fig. 14)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from analysis.components import Components
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.exhibits.score_figures import single_source_scores
from analysis.figures import panels, shared_legend
from analysis.fitting.inference import LEVEL, half_width
from analysis.results_table import ResultsTable
from analysis.wording import number

MEAN, TOGETHER = "mean over targets", "all pairs together"
FEWEST = 4
"""Sources of a target that a correlation and its interval are taken of, at least."""
SOURCE_COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#777777")
SOURCE_MARKERS = ("o", "s", "^", "v", "D", "P", "X", "<", ">")


def exhibit(evidence: Evidence) -> Exhibit:
    """Components against single-source scores."""
    table, components = evidence.table.frozen, tuple(evidence.components.values())
    return Exhibit("component_match", "sources", tuple(shown(table, components)), tuple(sentences(table, components)))


def shown(table: ResultsTable, components: Sequence[Components]) -> Iterator[Picture | Table]:
    """Fig. 14, and its correlations."""
    name, title = "components_and_single_sources", "Do the sources that matter among several do well alone?"
    pairs = single_and_component(table, components)
    if pairs.empty:
        why_not = "Not drawn: this needs single-source scores and variance components of the same sources."
        yield Picture(name, title, why_not, None)
        return
    correlations = correlations_by_target(pairs)
    together = correlations.set_index("target")["r"].get(TOGETHER)
    said = "" if together is None else f" Pearson's r of all {len(pairs)} pairs: {number(together)}."
    caption = (
        "One point per target and source: its share of the sources' variance among multi-source runs, and the mean "
        f"standardised score of its single-source runs.{said}"
    )
    yield Picture(name, title, caption, lambda: component_match(pairs))
    if len(correlations):
        note = (
            "Pearson's r over the sources of a target, with Fisher's interval. The mean over targets is that of "
            "Fisher's z, with a t interval over targets."
        )
        yield Table(name, "Correlation of a source's component with its single-source score", note, correlations)


def sentences(table: ResultsTable, components: Sequence[Components]) -> Iterator[str]:
    """The correlation within targets, and over all pairs as in the paper."""
    found = correlations_by_target(single_and_component(table, components)).set_index("target")
    if MEAN in found.index:
        mean, n = found.loc[MEAN], found["n_sources"].dropna()
        sources = f"{n.min():g} to {n.max():g}" if n.nunique() > 1 else f"{n.min():g}"
        yield (
            "Within targets, the correlation between a source's variance component and its single-source score is "
            f"{number(mean['r'])} (95 % CI {number(mean['low'])} to {number(mean['high'])}; mean of {len(n)} targets "
            f"with {sources} sources); over all pairs of source and target it is {number(found.loc[TOGETHER, 'r'])}."
        )


def single_and_component(table: ResultsTable, components: Sequence[Components]) -> pd.DataFrame:
    """Each target's sources with `single`, the mean z of their single-source runs, and `percent`, their component."""
    single = single_source_scores(table).groupby(["target", "source"])["z"].mean().rename("single")
    percent = [one.percent.assign(target=one.target) for one in components if one.percent is not None]
    if not percent or single.empty:
        return pd.DataFrame(columns=["target", "source", "single", "percent"])
    both = pd.concat(percent).merge(single.reset_index(), on=["target", "source"])
    return both[["target", "source", "single", "percent"]].dropna().reset_index(drop=True)


def correlations_by_target(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pearson's r of `single` and `percent`: on each target, its mean over targets, and of all pairs together.

    `target, n_sources, r, low, high`. A target's interval is Fisher's, from its n sources; that of the mean is a t
    interval over the targets' Fisher z. Of all pairs together (the paper's number) there is none: pairs share targets
    and sources.
    """
    rows = []
    for target, here in pairs.groupby("target", sort=False):
        if len(here) >= FEWEST and here["percent"].nunique() > 1:
            found = stats.pearsonr(here["single"], here["percent"])
            rows.append((target, len(here), found.statistic, *found.confidence_interval(LEVEL)))
    if len(rows) > 1:
        z = np.arctanh(np.clip([row[2] for row in rows], -1 + 1e-12, 1 - 1e-12))
        reach = half_width(z.std(ddof=1) / np.sqrt(len(z)), len(z) - 1)
        rows.append((MEAN, np.nan, *np.tanh([z.mean(), z.mean() - reach, z.mean() + reach])))
        everything = stats.pearsonr(pairs["single"], pairs["percent"]).statistic
        rows.append((TOGETHER, np.nan, everything, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["target", "n_sources", "r", "low", "high"])


def component_match(pairs: pd.DataFrame) -> Figure:
    """Fig. 14: a source's component against its single-source score, a point a target and source."""
    figure, (axes,) = panels(1, width=6.4, height=3.6)
    drawn = {}
    styles = zip(dict.fromkeys(pairs["source"]), cycle(SOURCE_COLOURS), cycle(SOURCE_MARKERS), strict=False)
    for source, colour, marker in styles:
        here = pairs[pairs["source"] == source]
        (drawn[source],) = axes.plot(
            here["percent"],
            here["single"],
            marker,
            color=colour,
            markersize=5.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
        )
    axes.set(xlabel="variance component, percent", ylabel="standardised score alone")
    shared_legend(figure, drawn)
    return figure
