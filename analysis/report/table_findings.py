"""Sentences on the table of scores: what is missing, and what so few targets allow."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.fitted_model import Model
from analysis.results_table import ResultsTable

COVERED = {2: "0.84 to 0.95", 3: "0.91 to 0.95"}
"""By number of targets, of the fixed effects of studies of the paper's plan (benchmarks/coverage.py)."""


def on_missing_scores(table: ResultsTable) -> Iterator[str]:
    """How many runs lack a score on some target, and why."""
    if len(table.missing):
        causes = [f"{outcome}: {count} scores" for outcome, count in table.missing["outcome"].value_counts().items()]
        n_runs = table.missing["run_id"].nunique()
        runs = "1 run has" if n_runs == 1 else f"{n_runs} runs have"
        yield f"{runs} no score on some target; missing scores were not replaced ({'; '.join(causes)})."


def on_few_targets(table: ResultsTable, model: Model) -> Iterator[str]:
    """That intervals are too narrow where there are few targets."""
    if model.fit is not None and len(table.targets) in COVERED:
        yield (
            f"With {len(table.targets)} targets, the variances between targets are poorly estimated: in simulated "
            f"studies, the coverage of 95 % intervals was {COVERED[len(table.targets)]}; with four or more targets it "
            "is as stated."
        )
