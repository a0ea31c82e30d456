"""What was run: aliasing and balance of the runs with a score, targets, missing scores, and every score."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.evidence import Evidence
from analysis.exhibits.design_figures import aliasing, balance_bars, correlations, multi_source_runs
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.report.table_findings import on_missing_scores
from analysis.results_table import ResultsTable
from study.pages.figures import correlation_map


def exhibit(evidence: Evidence) -> Exhibit:
    """The runs, the targets and the scores."""
    table = evidence.table
    shown = (*pictures(table), *tables(table, evidence.options.targets))
    return Exhibit("runs", "runs", shown, tuple(on_missing_scores(table)))


def pictures(table: ResultsTable) -> Iterator[Picture]:
    """Aliasing and balance of the runs that have a score, where their sources are known."""
    if table.roles:
        return
    runs, several = table.runs, multi_source_runs(table.runs, table.known)
    name, title = "aliasing", "Aliasing of the runs"
    if not table.sources:
        yield Picture(name, title, "Not drawn: the table does not give the sources of each run.", None)
        return
    if len(several) > 1:
        between = correlations(several, table.sources, table.known)
        caption = (
            f"Correlations between sources and strategies over the {len(several)} multi-source runs with a score; "
            f"the largest between different factors is {aliasing(between, len(table.sources)):.2f}. "
            "Columns without variation count 0."
        )
        yield Picture(name, title, caption, lambda: correlation_map(between, "correlation"))
    else:
        yield Picture(name, title, f"Not drawn: only {len(several)} multi-source runs have a score.", None)
    caption = f"How often each level occurs among the {len(runs)} runs with a score."
    yield Picture("balance", "Balance of the runs", caption, lambda: balance_bars(runs, table.sources, table.known))


def tables(table: ResultsTable, properties: pd.DataFrame | None = None) -> Iterator[Table]:
    """Targets, with their properties (paper, Table 5) where they are known, and missing scores, then every score."""
    note = "Mean and sample standard deviation by which scores are standardised."
    targets = table.moments if properties is None else properties.reindex(table.moments.index).join(table.moments)
    yield Table("targets", "Targets", note, targets.rename_axis("target").reset_index())
    if len(table.missing):
        yield Table(
            "missing",
            "Runs without a score on a target",
            "No row with outcome ok.",
            table.missing[[name for name in ("run_id", "strategy", "target", "outcome") if name in table.missing]],
        )
    note = "One row per run and target; z is the standardised score."
    yield Table("scores", "Scores", note, table.scores, on_page=False)
    yield Table("baselines", "Baselines", "One row per baseline run and target.", table.baselines, on_page=False)
