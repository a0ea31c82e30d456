from __future__ import annotations

import pandas as pd
import pytest

from analysis.analyze import analyze
from analysis.equivalence import BEYOND, UNDECIDED, WITHIN, equivalence
from analysis.exhibits import equivalence_report
from analysis.options import AnalysisOptions
from study.core.errors import InputFaults
from study.core.margin import Margin
from study.core.strategies import STRATEGIES

MOMENTS = pd.DataFrame({"sd": [0.1, 0.2], "metric": "accuracy"}, index=["easy", "hard"])
INTERVALS = [(-0.04, 0.04), (-0.06, 0.04), (0.06, 0.2), (-0.2, -0.06), (0.01, 0.04)]


def stated(target: str) -> pd.DataFrame:
    low, high = zip(*INTERVALS, strict=True)
    return pd.DataFrame({"family": "f", "effect": list("abcde"), "target": target, "estimate": 0.0, "ci_low": low,
                         "ci_high": high})  # fmt: skip


def test_an_interval_inside_the_margin_is_equivalence_and_one_outside_a_difference() -> None:
    found = equivalence(stated(""), Margin(0.05, in_sd=True), MOMENTS)
    assert found["equivalence"].tolist() == [WITHIN, UNDECIDED, BEYOND, BEYOND, WITHIN]


def test_a_margin_in_the_metric_has_to_hold_where_scores_vary_most() -> None:
    """0.01 is 0.1 deviations of the easy target and 0.05 of the hard one."""
    on_all = equivalence(stated(""), Margin(0.01, in_sd=False), MOMENTS)
    assert on_all["margin"].tolist() == pytest.approx([0.05] * 5)
    easy = equivalence(stated("easy"), Margin(0.01, in_sd=False), MOMENTS)
    assert easy["margin"].tolist() == pytest.approx([0.1] * 5) and easy["equivalence"].tolist()[1] == WITHIN


def test_the_report_says_what_no_strategy_exceeds(simulate) -> None:
    alike = dict.fromkeys(STRATEGIES, 0.0)
    rows = simulate(strategies=alike, slopes=alike, noise=0.3)
    analysis = analyze(rows, AnalysisOptions(equivalence="9 SD"))
    assert any(
        line.startswith("No difference between strategies is larger than 9 SD: the 95 % intervals exclude more than")
        for line in analysis.answer
    )
    assert set(analysis.tables["equivalence"]["equivalence"]) == {WITHIN}
    answers = analysis.tables["answer"].set_index("question")["detail"]
    assert "None is larger than 9 SD" in answers["Do the strategies differ?"]
    (undecided,) = equivalence_report.exhibit(analyze(rows, AnalysisOptions(equivalence=0.0001)).evidence).headline
    assert undecided.startswith("These runs do not settle whether any difference between strategies or effect of a")
    assert undecided.endswith("is larger than 0.0001 accuracy.")


def test_a_margin_that_cannot_be_read_is_refused(results: pd.DataFrame) -> None:
    with pytest.raises(InputFaults, match="--equivalence"):
        analyze(results, AnalysisOptions(equivalence="much"))
