"""The best combinations for each target as predicted: a sentence, a figure, a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.exhibits.predictions import Predictions, predictions
from analysis.figures import OF_SINGLE, colours_of, markers_of, panels, shared_legend
from analysis.results_table import ResultsTable
from analysis.wording import by_target, listed, number
from study.core.columns import source_column

SOURCES_IN_THE_SENTENCE = 4
ALIKE = re.compile(r"(\d+) of \(([^)]*)\)")
CAUTION = (
    "The best of many estimates is usually too high. Intervals are simultaneous over all combinations of the same "
    "number of sources (Bonferroni, 95 %), so they are valid for the best one; they ignore the uncertainty of the "
    "variances."
)


def sentences(found: Predictions) -> Iterator[str]:
    """The best combination of four sources for each target, or of the number nearest to it that was run."""
    if found.best.empty:
        return
    n = min(found.best["n_sources"].unique(), key=lambda n: abs(n - SOURCES_IN_THE_SENTENCE))
    best = found.best[(found.best["n_sources"] == n) & (found.best["rank"] == 1)]
    parts = [
        f"{row.target}: {row.strategy} of {ALIKE.sub(_counted, row.sources)} "
        f"({number(row.z)}, {number(row.low)} to {number(row.high)}{'' if row.n_runs else ', never run'})"
        for row in best.itertuples()
    ]
    yield (
        f"Predicted best {n}-source combination for each target, with its expected score in SD and a simultaneous "
        f"95 % interval: {by_target(parts)}."
    )
    reach = number(((best["run_high"] - best["run_low"]) / 2).median())
    yield (
        f"Each of them is the best of {best['n_candidates'].max()}, so its estimate is probably too high. "
        f"The score of a single run lies within about ± {reach} SD of its expected score (prediction interval)."
    )


def exhibit(evidence: Evidence) -> Exhibit:
    """The best combinations of each target, as predicted."""
    found = predictions(evidence.table, evidence.levels)
    return Exhibit("predictions", "sources", tuple(shown(evidence.table, found)), tuple(sentences(found)))


def shown(table: ResultsTable, found: Predictions) -> Iterator[Picture | Table]:
    """The best of each number of sources by target as a picture, the best few as a table."""
    name, title = "predictions", "Predicted best combinations"
    targets_by_reason: dict[str, list[str]] = {}
    for target, reason in found.why_not.items():
        targets_by_reason.setdefault(reason, []).append(target)
    absent = "; ".join(f"{listed(targets)}: {reason}" for reason, targets in targets_by_reason.items())
    if found.best.empty:
        yield Picture(name, title, f"Not drawn. {absent}." if absent else "Not drawn.", None)
        return
    caption = (
        "Expected standardised score of the best combination at each number of sources, whether or not it was run, "
        "from a model of strategies, slopes and sources within the target. Thick lines: intervals for the expected "
        "score. Thin lines: prediction intervals for one further run. Dashed line: the best mean of a single source. "
        f"{CAUTION}"
    )
    yield Picture(
        name,
        title,
        caption + (f" None for {absent}." if absent else ""),
        lambda: _draw(table, found),
    )
    note = (
        "The best few of n_candidates combinations at each number of sources, n_runs of which were run. low, high: "
        f"interval for the expected score; run_low, run_high: for a further run. {CAUTION} `2 of (...)`: these "
        "sources are interchangeable because their variance is zero."
    )
    yield Table(name, title, note, found.best)


def _counted(alike: re.Match[str]) -> str:
    return f"{alike[1]} of {alike[2].count(',') + 1} that are interchangeable"


def _draw(table: ResultsTable, found: Predictions) -> Figure:
    targets = list(dict.fromkeys(found.best["target"]))
    figure, axes = panels(len(targets), share_y=True)
    handles: dict[str, object] = {}
    colours, markers = colours_of(table.known), markers_of(table.known)
    for one, target in zip(axes, targets, strict=True):
        single = table.scores[(table.scores["target"] == target) & table.is_single]
        if len(single):
            of_source = single.groupby([source_column(name) for name in table.sources])["z"].mean()
            one.axhline(of_source.max(), color=OF_SINGLE, linewidth=0.9, linestyle=(0, (5, 3)))
        for row in found.best[(found.best["target"] == target) & (found.best["rank"] == 1)].itertuples():
            colour = colours[row.strategy]
            one.plot([row.n_sources] * 2, [row.run_low, row.run_high], color=colour, linewidth=0.6, alpha=0.6)
            one.plot([row.n_sources] * 2, [row.low, row.high], color=colour, linewidth=2.0, solid_capstyle="butt")
            (point,) = one.plot(
                row.n_sources, row.z, markers[row.strategy], color=colour, markersize=5.5, linestyle="none"
            )
            handles.setdefault(row.strategy, point)
        one.set(title=target, xlabel="number of sources")
        one.xaxis.set_major_locator(MaxNLocator(integer=True))
        one.grid(axis="x", visible=False)
    axes[0].set_ylabel("standardised score")
    shared_legend(figure, {name: handles[name] for name in colours if name in handles})
    return figure
