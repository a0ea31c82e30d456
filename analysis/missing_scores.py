"""What has no score: runs on targets of which no score is left, and why."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.result_checks import evaluation_columns, of_baselines

NO_ROW = "no row"
"""The outcome of a run on a target that has no row."""


def missing_scores(
    rows: pd.DataFrame, without: pd.Series, means: pd.DataFrame, of_a_run: Sequence[str]
) -> pd.DataFrame:
    """The run x target (x level of evaluation factors) that `means` lacks, with the columns `of_a_run` and `outcome`.

    `without` says which of the rows have no score.
    """
    cell = ["run_id", "target", *evaluation_columns(rows)]
    cells = _cells(rows, cell, of_a_run)
    without_score = cells[~pd.MultiIndex.from_frame(cells[cell]).isin(pd.MultiIndex.from_frame(means[cell]))]
    causes_by_cell = rows[without].drop_duplicates(cell).reindex(columns=[*cell, "outcome"]).astype({"outcome": object})
    return without_score.merge(causes_by_cell, how="left", on=cell).fillna({"outcome": NO_ROW})


def _cells(rows: pd.DataFrame, cell: list[str], of_a_run: Sequence[str]) -> pd.DataFrame:
    """Every learned run on every target (and level of evaluation factors) that occurs, and what else has rows."""
    learned = rows[~of_baselines(rows)]
    runs = learned[["run_id", *of_a_run]].drop_duplicates("run_id")
    everywhere = runs.merge(learned[cell[1:]].drop_duplicates(), how="cross")
    baselines = rows.loc[of_baselines(rows), [*cell, *of_a_run]].drop_duplicates(cell)
    return pd.concat([everywhere, baselines], ignore_index=True)
