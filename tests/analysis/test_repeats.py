"""One definition of repeats for every sentence that speaks of them."""

from __future__ import annotations

import pandas as pd

from analysis.repeats import repeated
from analysis.results_table import results_table


def test_strategy_sources_and_factors_make_a_repeat(simulate) -> None:
    rows = simulate(per_cell=4)
    rows["factor.width"] = rows["run_id"].map({run: k % 2 for k, run in enumerate(rows["run_id"].unique())})
    table = results_table(rows, {})
    runs = table.runs
    alike = ["strategy", "factor.width", *(f"source.{name}" for name in table.sources)]
    of_run = pd.Series(repeated(table, runs), runs.index)
    assert of_run.groupby([runs[name] for name in alike]).nunique().eq(1).all()
    assert of_run.nunique() == len(runs[alike].drop_duplicates()) < len(runs)


def test_runs_whose_sources_are_not_known_repeat_nothing(simulate) -> None:
    rows = simulate(per_cell=4)
    table = results_table(rows.drop(columns=[name for name in rows if name.startswith("source.")]), {})
    assert len(set(repeated(table, table.runs))) == len(table.runs)
