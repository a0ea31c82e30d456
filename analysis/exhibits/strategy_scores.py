"""The scores by strategy and by number of sources, beside those of the baselines (paper, Fig. 9 and 10)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.baselines import by_kind_and_level
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.exhibits.score_figures import FEWEST_FOR_A_BOX, scores_by_n_sources, strategies_by_target
from analysis.result_checks import of_baselines
from analysis.results_table import ResultsTable
from study.core.columns import factor_column


def exhibit(evidence: Evidence) -> Exhibit:
    """Scores by strategy, number of sources and evaluation factors, beside those of the baselines."""
    table = evidence.table
    return Exhibit("scores", "strategies", tuple(shown(table)))


def shown(table: ResultsTable) -> Iterator[Picture | Table]:
    """Both pictures, then the means by strategy and by the levels of evaluation factors."""
    frozen = table.frozen
    yield Picture(
        "strategies_by_target",
        "Strategies by target",
        f"Small points: runs; large points: means; boxes, drawn for {FEWEST_FOR_A_BOX} runs or more: quartiles and "
        f"median, with whiskers at 5 and 95 %. {on_baseline_lines(frozen)}",
        lambda: strategies_by_target(frozen),
    )
    known = "n_sources" in frozen.scores
    yield Picture(
        "scores_by_n_sources",
        "Score by number of sources",
        "Small points: runs; large points: the mean of a strategy at a number of sources; lines: linear fits; "
        f"black line: the mean of {table.single}."
        if known
        else "Not drawn: the table does not give the number of sources of each run.",
        (lambda: scores_by_n_sources(frozen)) if known else None,
    )
    yield Table(
        "scores_by_strategy",
        "Mean score by strategy and target",
        "In the metric of the target; baselines below.",
        means_by_target(pd.concat([frozen.scores, *_named_baselines(frozen)]), "strategy", table),
    )
    if table.shares_runs:
        both = pd.concat([table.scores, table.baselines])
        for name in table.evaluation_levels:
            yield Table(
                f"scores_by_{name}",
                f"Mean score by {name} and target",
                "In the metric of the target: runs of the design, then baselines with more than one level.",
                _means_by_level(both, factor_column(name), table),
            )


def _named_baselines(table: ResultsTable) -> Iterator[pd.DataFrame]:
    """The baselines, called by their levels where they have any."""
    for _, name, rows in by_kind_and_level(table.baselines):
        yield rows.assign(strategy=name)


def on_baseline_lines(table: ResultsTable) -> str:
    """What lines in a picture of scores are."""
    return "Lines: mean scores of the baselines." if len(table.baselines) else "No baselines were scored."


def means_by_target(scores: pd.DataFrame, row: str, table: ResultsTable) -> pd.DataFrame:
    """Means with a row for each level in order of appearance and a column for each target."""
    order = [name for name in (*table.strategies, *table.sources) if (scores[row] == name).any()]
    order += [name for name in scores[row].unique() if name not in order]
    means = scores.pivot_table(index=row, columns="target", values="score", aggfunc="mean")
    return means.reindex(index=order, columns=list(table.targets)).rename_axis(columns=None).reset_index()


def _means_by_level(scores: pd.DataFrame, column: str, table: ResultsTable) -> pd.DataFrame:
    """Means with a row for each level of a factor, of learned runs and of each baseline, and a column a target."""
    known = scores.assign(runs=scores["strategy"].where(of_baselines(scores), "learned"))
    several = known.groupby("runs")[column].transform("nunique") > 1
    means = known[several].pivot_table(index=["runs", column], columns="target", values="score", sort=False)
    return means.reindex(columns=list(table.targets)).rename_axis(columns=None).reset_index()
