"""The scores of single-source runs by source, and which source serves a target best (paper 5.1, Fig. 8)."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.exhibits.score_figures import single_source_scores, sources_by_target
from analysis.exhibits.strategy_scores import means_by_target, on_baseline_lines
from analysis.report.source_findings import on_sources
from analysis.results_table import ResultsTable


def exhibit(evidence: Evidence) -> Exhibit:
    """Single-source scores by source and target."""
    table = evidence.table.frozen
    return Exhibit("single_sources", "sources", tuple(shown(table)), tuple(on_sources(table)))


def shown(table: ResultsTable) -> Iterator[Picture | Table]:
    """The picture, and the means behind it."""
    single = single_source_scores(table)
    name, title = "sources_by_target", "Single sources by target"
    if single.empty:
        yield Picture(name, title, "Not drawn: there are no single-source scores whose source is known.", None)
        return
    caption = f"Open circles: runs of {table.single}; solid circles: means of the sources. {on_baseline_lines(table)}"
    yield Picture(name, title, caption, lambda: sources_by_target(table))
    yield Table(
        "scores_by_source",
        "Mean single-source score by source and target",
        f"{table.single} only, in the metric of the target.",
        means_by_target(single, "source", table),
    )
