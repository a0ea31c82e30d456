from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.exhibits.source_effects import sentences, shown, source_effects
from analysis.results_table import results_table
from study.core.strategies import STRATEGIES

PLANTED = {("gtzan", "bpm"): 1.5, ("irmas", "tag"): -1.0}


@pytest.fixture(scope="module")
def effects(simulate):
    return source_effects(results_table(simulate(source_effects=PLANTED, noise=0.4), {}))


def test_planted_differences_come_back_and_are_told(simulate, effects) -> None:
    sd = results_table(simulate(source_effects=PLANTED, noise=0.4), {}).moments["sd"]
    by_pair = effects.set_index(["target", "source"])
    others = by_pair.drop(index=list(PLANTED))["estimate"].mean()  # what any source adds, by the slopes
    for (target, source), effect in PLANTED.items():
        row = by_pair.loc[(target, source)]
        assert row["ci_low"] < 0.1 * effect / sd[target] + others < row["ci_high"]
        assert row["p_adjusted"] < 0.001
    (said,) = sentences(effects)
    assert "bpm on gtzan 1." in said and f"of {len(effects)} pairs" in said


def test_it_is_least_squares_with_t_intervals(simulate, effects) -> None:
    table = results_table(simulate(source_effects=PLANTED, noise=0.4), {})
    rows = table.scores[(table.scores["target"] == "irmas") & (table.scores["strategy"] != "SS-R")]
    strategies = [rows["strategy"] == name for name in table.strategies if name != "SS-R"]
    x = np.column_stack([*strategies, *(rows[f"source.{name}"] for name in table.sources)]).astype(float)
    coefficients, rss, *_ = np.linalg.lstsq(x, rows["z"].to_numpy(), rcond=None)
    df = len(rows) - x.shape[1]
    se = np.sqrt(rss[0] / df * np.linalg.inv(x.T @ x)[-1, -1])
    last = effects[effects["target"] == "irmas"].iloc[-1]
    assert (last["source"], last["df"]) == (table.sources[-1], df)
    assert tuple(last[["estimate", "se"]]) == pytest.approx((coefficients[-1], se))
    alone, of_all = (stats.t.isf(0.05 / 2 / n, df) * se for n in (1, len(effects)))
    assert alone < last["ci_high"] - last["estimate"] < 1.02 * of_all, "simultaneous, and no wider than Bonferroni's"


def test_where_nothing_is_planted_nothing_is_told(simulate) -> None:
    nothing = simulate(slopes=dict.fromkeys(STRATEGIES, 0.0), seed=4)
    (said,) = sentences(source_effects(results_table(nothing, {})))
    assert said.startswith("No source has a detectable effect")


def test_what_rows_do_not_tell_is_not_there(simulate) -> None:
    rows = simulate(source_effects=PLANTED)
    all_sources = rows[(rows["n_sources"] == 4) | (rows["n_sources"] < 2)]
    for some in (all_sources, rows[rows["n_sources"] < 2], rows.drop(columns=[c for c in rows if c[:7] == "source."])):
        none = source_effects(results_table(some, {}))
        assert none.empty and not list(sentences(none))
        (picture,) = shown(none)
        assert picture.draw is None
