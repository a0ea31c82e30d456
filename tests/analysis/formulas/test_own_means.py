"""Marginal means and pairs by the study's own models."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.analyze import Analysis, analyze
from analysis.options import AnalysisOptions
from study.core.errors import InputFaults
from study.core.plan_sections import AnalysisSection, Model

OWN = AnalysisSection(
    model=(
        Model(name="means", formula="score ~ strategy + n_sources + (1 | target) + (1 | run_id)"),
        Model(name="other", formula="score ~ n_sources + (1 | target)"),
    )
)


@pytest.fixture(scope="module")
def analysis(results: pd.DataFrame) -> Analysis:
    return analyze(results, AnalysisOptions(own=OWN, means=("strategy",), pairs=("strategy",)))


def test_a_model_of_ones_own_has_means_and_pairs(analysis: Analysis) -> None:
    model = analysis.models["means"]
    assert list(model.means["level"]) == list(analysis.table.strategies)
    assert len(model.contrasts) == 15 and set(model.statements["robust"]) <= {"yes", ""} | {
        one for one in model.statements["robust"] if one.startswith("no: without ")
    }
    by_level = model.means.set_index("level")["estimate"]
    first = model.contrasts.iloc[0]
    later, earlier = first["contrast"].split(" - ")
    assert first["estimate"] == pytest.approx(by_level[later] - by_level[earlier])
    assert analysis.models["other"].means.empty and analysis.models["other"].contrasts.empty
    assert {"means_means", "means_pairs"} <= set(analysis.tables)


def test_sentences_say_what_differs(analysis: Analysis) -> None:
    said = [line for line in analysis.findings if line.startswith("Model means")]
    assert said[0].startswith("Model means, means of strategy in SD with 95 % intervals: SS-R ")
    n = int((analysis.models["means"].statements["p_adjusted"] < 0.05).sum())
    assert n and said[1].startswith(f"Model means: {n} of 15 pairs of strategy differ significantly: ")
    assert all(len(line) <= 400 for line in said)


def test_a_factor_that_no_model_has_is_a_fault(results: pd.DataFrame) -> None:
    with pytest.raises(InputFaults, match=r"--pairs.*stratgy.*among their fixed terms are strategy"):
        analyze(results, AnalysisOptions(own=OWN, pairs=("stratgy",)))
    with pytest.raises(InputFaults, match=r"--means.*there is none with a factor"):
        analyze(results, AnalysisOptions(means=("strategy",)))
