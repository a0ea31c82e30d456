from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from analysis.analyze import analyze
from analysis.contrasts import marginal_means
from analysis.exhibits.means_by_n_sources import means_by_n_sources
from analysis.exhibits.own_units import in_own_units
from analysis.exhibits.ranking import of_strategies
from analysis.fitted_model import Model
from analysis.models import strategy_model
from analysis.options import AnalysisOptions
from analysis.report.findings import strategy_verdicts
from analysis.results_table import ResultsTable, results_table
from analysis.roles import Asked


@pytest.fixture(scope="module")
def fitted(results: pd.DataFrame) -> tuple[ResultsTable, Model]:
    table = results_table(results, {})
    return table, strategy_model(table, {})


def test_letters_agree_with_the_verdicts_of_all_pairs(fitted: tuple[ResultsTable, Model]) -> None:
    ranked = of_strategies(fitted[1])
    letters = ranked.set_index("level")["letters"]
    pairs = fitted[1].contrasts_of_means.set_index("contrast")["p_adjusted"]
    significant = 0
    for a, b in combinations(letters.index, 2):
        p = pairs.get(f"{a} - {b}", pairs.get(f"{b} - {a}"))
        assert bool(set(letters[a]) & set(letters[b])) == (p >= 0.05)
        significant += p < 0.05
    assert 0 < significant < 15, "the case has both kinds"
    assert ranked["estimate"].is_monotonic_decreasing and ranked["rank"].tolist() == [1, 2, 3, 4, 5, 6]


def test_means_by_n_sources_are_the_models_where_runs_are(fitted: tuple[ResultsTable, Model]) -> None:
    table, model = fitted
    means = means_by_n_sources(model, table.scores[table.scores["n_sources"] != 4])
    own = means[means["strategy"] == "MS-CR@4"]
    assert own["n_sources"].tolist() == [2, 3]
    at_three = marginal_means(model.fit, 1.0, ["MS-CR@4"]).iloc[0]
    np.testing.assert_allclose(own.iloc[1][["estimate", "ci_low", "ci_high"]].astype(float),
                               at_three[["estimate", "ci_low", "ci_high"]].astype(float))  # fmt: skip
    assert means.loc[means["strategy"] == "SS-R", "n_sources"].tolist() == [1]


def test_effects_in_a_targets_unit_are_its_deviations(fitted: tuple[ResultsTable, Model]) -> None:
    table, model = fitted
    verdicts = strategy_verdicts(table, model)
    found = in_own_units(table, verdicts).set_index(["effect", "target"])
    estimate = verdicts.set_index("effect").loc["MSS-CR - SS-R", "estimate"]
    sd = table.moments.at["gtzan", "sd"]
    assert found.loc[("MSS-CR - SS-R", "gtzan"), "estimate"] == pytest.approx(estimate * sd)
    assert len(found) == len(verdicts) * 4 and set(found["metric"]) == {"accuracy"}


def test_levels_of_any_treatment_are_ranked() -> None:
    """Three methods of which one is far better, on four tasks; runs compared with a reference have no letters."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame([
        (method, task, seed, 0.5 + 0.3 * (method == "good") + 0.02 * rng.standard_normal())
        for method in ("poor", "good", "plain") for task in "abcd" for seed in range(6)
    ], columns=["method", "task", "seed", "accuracy"])  # fmt: skip
    analysis = analyze(rows, AnalysisOptions(equivalence="0.5 SD"))
    found = analysis.tables["ranking"].set_index("level")
    assert found["rank"]["good"] == 1
    assert found["letters"].to_dict() == {"good": "a", "poor": "b", "plain": "b"}
    answer = analysis.tables["answer"].set_index("question").loc["Does method matter?"]
    assert (
        answer["answer"].startswith("Yes: 2 of 3") and "Highest mean: good, significantly above all" in answer["detail"]
    )
    against = analyze(rows, AnalysisOptions(asked=Asked(reference=("plain",))))
    assert set(against.tables["ranking"]["letters"]) == {""}
