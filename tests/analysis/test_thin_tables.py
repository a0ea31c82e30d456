"""Tables with next to nothing of something: a sound treatment that is stated, or no numbers and the reason why.

What is no table to analyse at all (one target, equal scores, no numbers, keys twice) is in test_results_table.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import Evidence
from analysis.exhibits import caterpillar, diagnostics, explained_variance, predictions_report, sensitivity_report
from analysis.exhibits.exhibit import Table
from analysis.fitted_model import Model
from analysis.models import size_model, strategy_model
from analysis.results_table import results_table
from tests.analysis.conftest import findings


def analysed(rows: pd.DataFrame) -> tuple[Model, Model, list[Table], str]:
    """Both models, the tables behind them, and all sentences, without drawing."""
    table = results_table(rows, {})
    strategy, size = strategy_model(table, {}), size_model(table, table.factor_levels)
    evidence = Evidence(table, {"strategy": strategy, "size": size})
    subjects = (predictions_report, explained_variance, diagnostics, caterpillar, sensitivity_report)
    behind = [subject.exhibit(evidence) for subject in subjects]
    said = [sentence for one in behind for sentence in (*one.headline, *one.sentences)]
    tables = [table for one in behind for table in one.tables]
    return strategy, size, tables, "\n".join((*findings(table, strategy, size), *said))


@pytest.fixture(scope="module")
def run_of_mss_cr(results) -> str:
    return results.loc[results["strategy"] == "MSS-CR", "run_id"].iloc[0]


def test_a_strategy_with_one_run_is_compared_and_its_slope_is_left_out(results, run_of_mss_cr) -> None:
    rows = results[(results["strategy"] != "MSS-CR") | (results["run_id"] == run_of_mss_cr)]
    strategy, _, _, _ = analysed(rows)
    assert strategy.coding.left_out == {"strategy[MSS-CR]:n_star": "all its rows have n* = 0"}
    tests = strategy.contrasts.set_index("contrast")
    assert tests.loc["MSS-CR - SS-R", "se"] > 1.3 * tests.loc["MS-CR@2 - SS-R", "se"]


def test_a_strategy_with_one_score_leaves_the_first_model_without_numbers_and_is_named(results, run_of_mss_cr) -> None:
    one = (results["run_id"] == run_of_mss_cr) & (results["target"] == "gtzan") & (results["repeat"] == 0)
    strategy, size, tables, said = analysed(results[(results["strategy"] != "MSS-CR") | one])
    assert strategy.fit is None and size.fit is not None
    assert "could not be compared: the rows do not distinguish these variances" in said
    assert "strategy[MSS-CR] | target" in strategy.why_not
    assert strategy.why_not.endswith("MSS-CR with one score: without it the others could be compared")
    facts = next(one.frame for one in tables if one.name == "fit_facts").set_index("model")["converged"]
    assert facts.to_dict() == {"strategy": False, "size": True}


def test_one_run_a_strategy_gives_no_comparison(results, run_of_mss_cr) -> None:
    few = results[results["run_id"].isin(["run000", run_of_mss_cr]) & (results["phase"] != "baseline")]
    strategy, _, _, said = analysed(few)
    assert strategy.fit is None and "could not be compared: the fixed terms reproduce every score" in said


def test_a_target_on_which_all_runs_failed_is_not_there_and_is_counted(results) -> None:
    lost = results["target"] == "gtzan"
    rows = results.assign(outcome=np.where(lost, "diverged", "ok"), score=results["score"].where(~lost))
    strategy, _, _, said = analysed(rows)
    assert strategy.groups["target"] == 3
    assert f"(diverged: {lost.sum() // 2} scores)" in said and "missing scores by the worst" not in said
