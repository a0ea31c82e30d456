"""The answer at a glance agrees with the statements that it is made of."""

from __future__ import annotations

import pandas as pd

from analysis.analyze import Analysis
from analysis.contrasts import NOT_SIGNIFICANT
from analysis.exhibits.answer import _robust, own_units
from analysis.questions import question_of
from analysis.results_table import results_table
from analysis.wording import number


def test_every_family_has_one_row_with_its_clearest_statement(report) -> None:
    analysis: Analysis = report.analysis
    table = analysis.tables["answer"].set_index("question")
    families = {family: rows for family, rows in analysis.verdicts.groupby("family") if family != "baselines"}
    assert len(table) == len(families) + 2  # MFCC and Random have one each
    for family, rows in families.items():
        shown = table.loc[question_of(family)]
        significant = rows["verdict"] != NOT_SIGNIFICANT
        assert shown["answer"].startswith("Yes" if significant.any() else "Not detectably")
        if len(rows) > 1:
            assert f"{significant.sum()} of {len(rows)}" in shown["answer"]
        best = rows[rows["p"] == rows["p"].min()]
        assert shown["interval"] in {f"{number(row.ci_low)} to {number(row.ci_high)}" for row in best.itertuples()}
        excludes_zero = (rows["ci_low"] > 0) | (rows["ci_high"] < 0)
        assert (excludes_zero == significant).all(), "an interval never contradicts its verdict"


def test_what_is_not_robust_says_why(report) -> None:
    verdicts = report.analysis.verdicts
    looked_at = verdicts[verdicts["exhibit"].isin(["strategies", "size"])]
    significant = looked_at["verdict"] != NOT_SIGNIFICANT
    assert significant.any()
    assert looked_at.loc[significant, "robust"].str.match(r"yes$|no: (without|by|with) ").all()
    assert (looked_at.loc[~significant, "robust"] == "").all()


def test_reasons_are_those_of_the_statement_that_is_shown() -> None:
    def said(*robust: str) -> str:
        return _robust(pd.DataFrame({"robust": robust}), robust[0])

    assert said("yes") == "yes" and said("yes", "no: without a") == "1 of 2"
    assert said("no: without a and by the paper's model") == "no; without a and by the paper's model it is not"
    assert said("no: without a", "yes", "yes") == "2 of 3; without a it is not"
    assert said("") == "" == _robust(pd.DataFrame({"robust": []}), "")


def test_sizes_are_in_the_unit_of_every_metric(results: pd.DataFrame) -> None:
    metric = results["target"].map({"valence": "r2"}).fillna("accuracy")
    table = results_table(results.assign(metric=metric), {})
    low, high = (getattr(table.moments.loc[["ballroom", "gtzan", "irmas"], "sd"], edge)() for edge in ("min", "max"))
    of_valence = table.moments.at["valence", "sd"]
    assert own_units(table, -1.0, "") == f"−{low:.2g} to −{high:.2g} accuracy; −{of_valence:.2g} r2"
    assert own_units(table, 2.0, "valence") == f"{2 * of_valence:.2g} r2"
