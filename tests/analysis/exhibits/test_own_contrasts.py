from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import pytest

from analysis.analyze import Analysis, analyze
from analysis.exhibits import own_contrasts
from analysis.exhibits.own_contrasts import fragile_contrasts, sentences
from analysis.options import AnalysisOptions
from study.core.plan_sections import AnalysisSection, Contrast, Model
from study.core.strategies import STRATEGIES

pytestmark = pytest.mark.usefixtures("models_alone_in_module")
LAST_LESS_FIRST = {"strategy[MSS-CR]": 1.0, "strategy[SS-R]": -1.0}
MINE = "score ~ 0 + strategy + (1 | target) + (1 | run_id)"


def analysed(rows: pd.DataFrame, weights: Mapping[str, float] = LAST_LESS_FIRST) -> Analysis:
    contrasts = tuple(Contrast(model=model, name=f"of {model}", weights=weights) for model in ("strategy", "mine"))
    return analyze(
        rows, AnalysisOptions(own=AnalysisSection(model=(Model(name="mine", formula=MINE),), contrast=contrasts))
    )


@pytest.fixture(scope="module")
def steady(simulate) -> Analysis:
    return analysed(simulate(noise=0.3, seed=5))


def test_a_contrast_of_the_headline_is_robust_as_the_same_pair_is(steady) -> None:
    evidence = steady.evidence
    pair = steady.verdicts.set_index("effect").loc["MSS-CR - SS-R"]
    assert pair["robust"] == "yes"
    assert fragile_contrasts(evidence, steady.models["strategy"]) == {"of strategy": ""}
    (said,) = [one for one in sentences(evidence) if "of model strategy" in one]
    assert said.startswith("Contrast of strategy of model strategy is higher: +") and said.endswith("; robust).")


def test_a_contrast_of_ones_own_model_is_checked_without_each_target(simulate, steady) -> None:
    assert fragile_contrasts(steady.evidence, steady.models["mine"]) == {"of mine": ""}
    nothing = dict.fromkeys(STRATEGIES, 0.0)
    rows = simulate(strategies=nothing, slopes=nothing, noise=0.3, seed=5)
    on_irmas = 0.2 * ((rows["strategy"] == "MSS-CR") & (rows["target"] == "irmas"))
    found = analysed(rows.assign(score=rows["score"] + on_irmas))
    assert found.models["mine"].own_contrasts["p_adjusted"].iloc[0] < 0.05, "this model knows of no target's own effect"
    assert fragile_contrasts(found.evidence, found.models["mine"]) == {"of mine": "without irmas"}
    assert any(said.endswith("; not robust: without irmas it is not).") for said in sentences(found.evidence))


def test_where_nothing_may_be_called_significant_no_contrast_is(steady) -> None:
    model = replace(steady.models["strategy"], no_verdicts="there are too few runs")
    evidence = replace(steady.evidence, models={**steady.models, "strategy": model})
    said, _ = sentences(evidence)
    assert said == "Contrast of strategy of model strategy is not tested, because there are too few runs."
    assert len(list(own_contrasts.shown(evidence.models))) == 1, "its numbers stay in the table"
