"""The sources' variance components within each target (paper, Table 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.components import Components
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels
from analysis.wording import few, listed

EDGE = 5.0
"""Percent from 0 and from 100 within which an interval's limits exclude next to nothing."""


def exhibit(evidence: Evidence) -> Exhibit:
    """Components with their intervals."""
    components = tuple(evidence.components.values())
    return Exhibit("components", "sources", tuple(shown(components)), tuple(sentences(components)))


def says_nothing(one: Components) -> bool:
    """Whether every interval of a target runs from 0 to (nearly) 100 percent, so that it excludes nothing."""
    return one.percent is not None and bool(((one.percent["low"] < EDGE) & (one.percent["high"] > 100.0 - EDGE)).all())


def sentences(components: Sequence[Components]) -> Iterator[str]:
    """On which targets nothing can be said about the sources' shares."""
    empty = [one.target for one in components if says_nothing(one)]
    if empty:
        where = "any target" if len(empty) == len(components) else listed(few(empty))
        yield (
            f"The shares of variance due to the sources are not estimable on {where}: every interval runs from below "
            f"{EDGE:g} to above {100 - EDGE:g} percent."
        )


def shown(components: Sequence[Components]) -> Iterator[Picture | Table]:
    """The picture, and the table behind it."""
    estimated = [one for one in components if one.fit is not None and one.fit.variance.any()]
    fitted = [one for one in estimated if not says_nothing(one)]
    reasons = [
        f"{one.target}: {one.why_not or 'all components are zero'}" for one in components if one not in estimated
    ]
    reasons += [f"{one.target}: every interval runs from 0 to 100" for one in estimated if one not in fitted]
    without = "; ".join(reasons)
    left_out = dict.fromkeys(name for one in fitted for name in one.left_out)
    caption = (
        "Percent of the sum of the sources' variances among the multi-source runs of a target, with 95 % intervals "
        "from generalised pivots. Each source contributes a single draw from the population of effects (with it "
        "minus without it), so its variance has one degree of freedom: a source estimated at 0 may still account for "
        "most. In simulations of the paper's plan, intervals covered "
        "each source's share in at least 96.7 % of data sets."
    )
    yield Picture(
        "components",
        "Variance components of the sources",
        (caption if fitted else "Not drawn.")
        + (f" Not drawn: {without}." if without and fitted else f" {without}." if without else "")
        + (f" Left out because they do not vary: {', '.join(left_out)}." if left_out else ""),
        (lambda: component_bars(fitted)) if fitted else None,
    )
    percents = [one.percent.assign(target=one.target) for one in components if one.percent is not None]
    if percents:
        yield Table(
            "components",
            "Variance components of the sources, within each target",
            "Percent of the sum of the sources' variances, without single-source runs; 95 % intervals from "
            "generalised pivots. They are wide because each variance has one degree of freedom.",
            pd.concat(percents, ignore_index=True)[["target", "source", "percent", "low", "high", "variance"]],
        )


def component_bars(components: Sequence[Components]) -> Figure:
    """Table 6 as a picture: each source's percent within each target, as bars with their intervals."""
    figure, axes = panels(len(components), height=2.4)
    for one, target in zip(axes, components, strict=True):
        rows = target.percent.iloc[::-1]
        one.barh(rows["source"], rows["percent"], color="#56B4E9")
        one.hlines(rows["source"], rows["low"], rows["high"], color="black", linewidth=1.0)
        one.set(title=target.target, xlim=(0, 100), xlabel="percent")
        one.grid(axis="y", visible=False)
    return figure
