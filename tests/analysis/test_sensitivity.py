from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import Evidence
from analysis.exhibits.sensitivity_report import on_one_sound, sentences, shown
from analysis.models import paper_strategy_model, strategy_model
from analysis.options import AnalysisOptions
from analysis.results_table import ResultsTable, results_table
from analysis.sensitivity import MERGED, Variant, moved, not_robust, sensitivity, summary
from analysis.wording import called
from study.core.coding import first_model
from study.core.strategies import STRATEGIES

NOTHING = dict.fromkeys(STRATEGIES, 0.0)


def variants_of(rows: pd.DataFrame) -> tuple[ResultsTable, tuple[Variant, ...]]:
    table = results_table(rows, {})
    model, paper = strategy_model(table, table.factor_levels), paper_strategy_model(table, table.factor_levels)
    levels = table.factor_levels
    return table, sensitivity(table, model, lambda own: first_model(own, levels), levels, paper)


@pytest.fixture(scope="module")
def variants(results) -> tuple[Variant, ...]:
    return variants_of(results)[1]


def test_every_treatment_is_there(variants) -> None:
    assert [one.name for one in variants] == [
        "as reported", "without ballroom", "without gtzan", "without irmas", "without valence",
        "by the paper's model", "with a fixed intercept of each target",
    ]  # fmt: skip
    assert all(one.fit is not None for one in variants)


def test_leaving_a_target_out_is_the_model_of_the_others(results, variants) -> None:
    others = results_table(results[results["target"] != "irmas"], {})
    alone = strategy_model(others, {})
    without = next(one for one in variants if one.name == "without irmas")
    assert without.fit.criterion == pytest.approx(alone.fit.criterion, abs=1e-8)
    np.testing.assert_allclose(without.fit.estimate, alone.fit.estimate, atol=1e-8)


def test_a_conclusion_that_hangs_on_one_target_moves_without_it(simulate) -> None:
    rows = simulate(strategies=NOTHING, slopes=NOTHING, noise=0.4, seed=2)
    effect = rows["target"].map({"ballroom": 0.1, "gtzan": -0.2, "irmas": 0.1, "valence": 0.1})
    _, found = variants_of(rows.assign(score=rows["score"] + effect * (rows["strategy"] == "MSS-CR")))
    assert (
        "MSS-CR - SS-R: not significant → higher" in summary(found).set_index("variant").loc["without gtzan", "moved"]
    )
    (sentence,) = [line for line in sentences(found) if line.startswith("Leaving out")]
    assert "MSS-CR − SS-R not significant → higher (without gtzan)" in sentence
    assert "none of them to the opposite sign" in sentence


def test_the_papers_model_takes_what_runs_share_for_independent(simulate) -> None:
    rows = simulate(noise=0.3, seed=3)
    runs = rows["run_id"].unique()
    share = pd.Series(0.05 * np.random.default_rng(1).standard_normal(len(runs)), index=runs)
    _, found = variants_of(rows.assign(score=rows["score"] + rows["run_id"].map(share)))
    row = summary(found).set_index("variant").loc["by the paper's model"]
    assert row["se_ratio_high"] < 1.0 and row["se_ratio_low"] < 0.8
    (sentence,) = [line for line in sentences(found) if line.startswith("Refitting by the paper's model")]
    assert f"are {row['se_ratio_low']:.2f} to {row['se_ratio_high']:.2f} times as large" in sentence


def test_missing_scores_are_bounded_by_the_worst_and_the_best_of_their_target(simulate) -> None:
    rows = simulate(strategies=NOTHING, slopes=NOTHING, noise=0.3)
    lost = (rows["strategy"] == "MSS-CR") & (rows["n_sources"] == 2)
    rows = rows.assign(outcome=np.where(lost, "diverged", "ok"), score=rows["score"].where(~lost))
    table, found = variants_of(rows)
    by_name = {one.name: one for one in found}
    worst, best = by_name["missing scores at the worst"], by_name["missing scores at the best"]
    assert worst.n_rows == best.n_rows == len(table.scores) + len(table.missing)
    effect = "MSS-CR - SS-R"
    low, high = (one.effects.set_index("effect").loc[effect, "estimate"] for one in (worst, best))
    assert low < -1.0 < 1.0 < high
    (sentence,) = [line for line in sentences(found) if line.startswith("Replacing the")]
    assert f"Replacing the {len(table.missing)} missing scores by the worst" in sentence
    assert f"{called(effect)} not significant → lower (missing scores at the worst)" in sentence


def test_where_nothing_is_missing_nothing_is_filled(variants) -> None:
    assert not [line for line in sentences(variants) if line.startswith("Replacing the")]


def test_moves_are_of_sign_and_of_significance() -> None:
    before = pd.DataFrame({"effect": list("abc"), "estimate": [1.0, 1.0, 1.0], "p_adjusted": [0.01, 0.01, 0.2]})
    after = pd.DataFrame({"effect": list("abc"), "estimate": [-1.0, 1.0, 1.0], "p_adjusted": [0.01, 0.06, 0.3]})
    other = Variant("with a fixed intercept of each target", 1, after)
    assert moved(before, other) == {"a": "higher → lower", "b": "higher → not significant"}


def test_what_is_significant_and_gives_way_is_not_robust_and_what_only_appears_is_no_matter(variants) -> None:
    reported, *others = variants
    effects = reported.effects
    most, least = effects["p_adjusted"].idxmin(), effects["p_adjusted"].idxmax()
    assert effects.loc[most, "p_adjusted"] < 0.05 < effects.loc[least, "p_adjusted"]
    turned = effects.copy()
    turned.loc[[most, least], "p_adjusted"] = 0.5, 0.001
    unchanged = [reported, *(replace(one, effects=effects) for one in others)]
    assert not any(not_robust(unchanged).values()) and not_robust(()) == {}
    found = not_robust([*unchanged[:-1], replace(others[-1], effects=turned)])
    assert found[effects.loc[most, "effect"]] == "with a fixed intercept of each target"
    assert effects.loc[least, "effect"] not in found


def test_two_targets_cannot_be_left_out_one_at_a_time_and_it_is_said(simulate) -> None:
    _, found = variants_of(simulate(targets=("gtzan", "irmas"), noise=0.3))
    without = [one for one in found if one.name.startswith("without")]
    assert all(one.fit is None for one in without)
    assert next(iter(sentences(found))) == "Leaving out one target at a time gives no fit."
    assert summary(found)["moved"].iloc[0].startswith("no fit: target has one level")


def test_the_numbers_behind_it_are_all_there(variants) -> None:
    tables = {one.name: one.frame for one in shown(variants) if hasattr(one, "frame")}
    assert set(tables) == {"sensitivity", "sensitivity_fixed", "sensitivity_effects"}
    assert set(tables["sensitivity_effects"]["variant"]) == {one.name for one in variants}
    assert not list(sentences(())) and next(iter(shown(()))).draw is None


def test_where_runs_have_two_rows_on_a_target_their_intercept_stays(simulate) -> None:
    frozen = simulate(noise=0.3, targets=("gtzan", "irmas", "valence")).assign(**{"factor.transfer": "frozen"})
    tuned = frozen.assign(**{"factor.transfer": "fine-tune"}, score=frozen["score"] + 0.02)
    _, found = variants_of(pd.concat([frozen, tuned], ignore_index=True))
    fitted = {one.name: one.fit.groups for one in found if one.fit is not None}
    assert all("run_id" in groups for groups in fitted.values())
    assert "combination" in fitted["as reported"] and "combination" not in fitted["by the paper's model"]


def test_targets_that_share_their_sound_are_taken_as_one(results) -> None:
    """As if the mean of both had been the score of one target from the start."""
    table = results_table(results, {})
    model, options = strategy_model(table, {}), AnalysisOptions(same_sound=[["irmas", "valence"]])
    found = sensitivity(table, model, first_model, {}, None, options)
    (merged,) = [one for one in found if one.name == MERGED]
    wide = table.scores.pivot(index="run_id", columns="target", values="z")
    both = wide[["irmas", "valence"]].mean(axis=1)
    first = results["target"].isin(["irmas"]) & ~results["strategy"].isin(["MFCC", "Random"])
    by_hand = results[(results["target"] != "valence") & ~results["strategy"].isin(["MFCC", "Random"])]
    by_hand = by_hand.assign(score=by_hand["score"].where(~first, by_hand["run_id"].map(both)))
    alone = strategy_model(results_table(by_hand, {}), {})
    assert merged.fit.criterion == pytest.approx(alone.fit.criterion, abs=1e-8)
    assert any(line.startswith("Taking targets that share their sound as one changes ") for line in sentences(found))


def test_targets_are_not_merged_where_one_would_be_left(results) -> None:
    table = results_table(results, {})
    model, options = strategy_model(table, {}), AnalysisOptions(same_sound=[list(table.targets)])
    assert MERGED not in [one.name for one in sensitivity(table, model, first_model, {}, None, options)]
    (said,) = on_one_sound(Evidence(table, {"strategy": model}, options=options))
    assert said.startswith("All 4 targets share their sound")
