from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.contrasts import HIGHER, LOWER, NOT_SIGNIFICANT
from analysis.evidence import Evidence
from analysis.exhibits import best_source, source_effects, trained_and_baselines
from analysis.models import strategy_model
from analysis.results_table import results_table
from analysis.robustness import fragile, verdicts_without
from analysis.sensitivity import REPORTED as REPORTED_NAME
from analysis.sensitivity import Variant, not_robust, sensitivity
from study.core.coding import first_model
from study.core.strategies import STRATEGIES

REPORTED = pd.DataFrame({
    "effect": list("abcd"),
    "estimate": [1.0, 1.0, -1.0, 0.2],
    "ci_low": [0.2, 0.2, -1.8, -0.6],
    "ci_high": [1.8, 1.8, -0.2, 1.0],
})  # fmt: skip


def test_without_a_part_an_effect_is_judged_by_the_reach_of_its_reported_interval() -> None:
    now = verdicts_without(REPORTED, pd.Series({"a": 0.81, "b": 0.79, "c": -0.81, "d": 0.81, "e": 5.0}))
    assert now == {"a": HIGHER, "b": NOT_SIGNIFICANT, "c": LOWER, "d": HIGHER}
    assert verdicts_without(REPORTED, pd.Series({"a": np.nan})) == {}, "not estimable then"


def test_what_loses_its_significance_or_its_sign_is_fragile_and_what_only_gains_it_is_not_listed() -> None:
    reported = {"a": HIGHER, "b": HIGHER, "c": LOWER, "d": NOT_SIGNIFICANT}
    others = [
        ("without t0", {"a": HIGHER, "b": NOT_SIGNIFICANT, "c": HIGHER, "d": HIGHER}),
        ("by the paper's model", {"a": HIGHER, "b": NOT_SIGNIFICANT}),
    ]
    found = fragile(reported, others, "targets")
    assert found == {"a": "", "b": "without t0 and by the paper's model", "c": "without t0"}


def test_many_parts_are_counted() -> None:
    others = [(f"without s{k}", {"a": NOT_SIGNIFICANT}) for k in range(4)]
    assert fragile({"a": HIGHER}, others, "strategies") == {"a": "without any of 4 strategies, one at a time"}


@pytest.mark.parametrize(("estimate", "p_adjusted", "robust"), [(0.9, 0.5, ""), (0.7, 0.001, "without irmas")])
def test_a_model_without_a_target_is_read_by_its_estimate_and_not_by_its_own_p(estimate, p_adjusted, robust) -> None:
    reported = Variant(REPORTED_NAME, 10, REPORTED.assign(p_adjusted=[0.01, 0.01, 0.01, 0.5]))
    now = reported.effects.assign(estimate=[estimate, 1.0, -1.0, 0.2], p_adjusted=p_adjusted)
    assert not_robust([reported, Variant("without irmas", 9, now)])["a"] == robust


def test_leaving_a_target_out_of_real_fits_costs_no_effect_that_all_targets_share(simulate) -> None:
    rows = simulate(noise=0.3, seed=5)
    table = results_table(rows, {})
    model = strategy_model(table, {})
    variants = sensitivity(table, model, lambda own: first_model(own, {}), {})
    stays = not_robust(variants)
    refitted = [one for one in variants if one.name.startswith("without ")]
    by_own_p = {
        effect
        for effect in stays
        for one in refitted
        if one.effects.set_index("effect")["p_adjusted"].get(effect, 0.0) >= 0.05
    }
    assert "MSS-CR - SS-R" in stays and stays["MSS-CR - SS-R"] == ""
    assert by_own_p - {effect for effect, reason in stays.items() if reason}, "wider intervals alone do not count"


@pytest.mark.parametrize(
    ("exhibit", "effects"),
    [(source_effects, source_effects.source_effects), (best_source, best_source.effect_of_best_source)],
)
def test_a_source_that_helps_in_all_strategies_is_robust_and_one_that_helps_in_one_is_not(
    simulate, exhibit, effects
) -> None:
    nothing = dict.fromkeys(STRATEGIES, 0.0)
    rows = simulate(slopes=nothing, noise=0.4, seed=6, per_cell=3, source_effects={("gtzan", "bpm"): 1.5})
    here = (rows["target"] == "gtzan") & rows["source.bpm"].astype(bool) & (rows["n_sources"] > 1)
    change = np.where(rows["strategy"] == "MS-CR@2", 0.15, -0.1)  # to 0.3 there and 0.05 elsewhere

    def robust(rows: pd.DataFrame) -> str:
        table = results_table(rows, {})
        stated = exhibit.verdicts(table, effects(table)).set_index("effect").loc["bpm on gtzan"]
        assert stated["verdict"] == HIGHER
        return str(stated["robust"])

    assert robust(rows) == "yes"
    assert robust(rows.assign(score=rows["score"] + here * change)) == "no: without MS-CR@2"


def test_a_single_strategy_cannot_be_left_out(simulate) -> None:
    rows = simulate(noise=0.4, seed=6, source_effects={("gtzan", "bpm"): 1.5})
    table = results_table(rows[rows["strategy"].isin(["SS-R", "MS-CR@2"])], {})
    assert set(source_effects.verdicts(table, source_effects.source_effects(table))["robust"]) == {""}


@pytest.mark.parametrize(("on_irmas", "robust"), [(0.7, "yes"), (1.5, "no: without irmas")])
def test_a_comparison_with_a_baseline_is_checked_without_each_target(simulate, on_irmas, robust) -> None:
    nothing = dict.fromkeys(STRATEGIES, 0.0)
    rows = simulate(strategies=nothing, slopes=nothing, noise=0.3, seed=5)
    rows = rows[rows["strategy"] != "MFCC"]
    of_target = rows[rows["phase"] != "baseline"].groupby("target")["score"].agg(["mean", "std"])
    below = rows["target"].map(lambda target: on_irmas if target == "irmas" else 0.65)  # in deviations
    baseline = rows["target"].map(of_target["mean"]) - below * rows["target"].map(of_target["std"])
    rows = rows.assign(score=rows["score"].where(rows["phase"] != "baseline", baseline))
    found = trained_and_baselines.exhibit(Evidence(results_table(rows, {}), {}))
    stated = found.verdicts.set_index("effect").loc["Random"]
    assert (stated["verdict"], stated["robust"]) == (HIGHER, robust)
    (said,) = [sentence for sentence in found.headline if " than Random" in sentence]
    assert ("; robust)" if robust == "yes" else "; not robust: without irmas it is not)") in said
