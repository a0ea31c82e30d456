"""The sources' variance components within each target (paper, Table 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.components import Components
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels


def exhibit(evidence: Evidence) -> Exhibit:
    """Components with their intervals."""
    return Exhibit("components", "sources", tuple(shown(tuple(evidence.components.values()))))


def shown(components: Sequence[Components]) -> Iterator[Picture | Table]:
    """The picture, and the table behind it."""
    fitted = [one for one in components if one.fit is not None and one.fit.variance.any()]
    without = "; ".join(
        f"{one.target}: {one.why_not or 'all components are zero'}" for one in components if one not in fitted
    )
    left_out = dict.fromkeys(name for one in fitted for name in one.left_out)
    caption = (
        "Percent of the sum of the sources' variances among the multi-source runs of a target, with 95 % intervals "
        "from generalised pivots. Each source contributes a single draw from the population of effects (with it "
        "minus without it), so its variance has one degree of freedom: a source estimated at 0 may still account for "
        "most, and an interval from 0 to 100 excludes nothing. In simulations of the paper's plan, intervals covered "
        "each source's share in at least 96.7 % of data sets."
    )
    yield Picture(
        "components",
        "Variance components of the sources",
        (caption if fitted else "Not drawn.")
        + (f" Not estimated: {without}." if without else "")
        + (f" Left out because they do not vary: {', '.join(left_out)}." if left_out else ""),
        (lambda: component_bars(fitted)) if fitted else None,
    )
    estimated = [one.percent.assign(target=one.target) for one in components if one.percent is not None]
    if estimated:
        yield Table(
            "components",
            "Variance components of the sources, within each target",
            "Percent of the sum of the sources' variances, without SS-R; 95 % intervals from generalised pivots. "
            "They are wide because each variance has one degree of freedom.",
            pd.concat(estimated, ignore_index=True)[["target", "source", "percent", "low", "high", "variance"]],
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
