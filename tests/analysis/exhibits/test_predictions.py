from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.exhibits.predictions import best_sets, predictions
from analysis.exhibits.predictions_report import sentences, shown
from analysis.results_table import results_table


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=8).map(np.array),
    st.integers(0, 8),
    st.integers(1, 4),
)
def test_the_best_sets_are_those_of_trying_all(effect: np.ndarray, n: int, most: int) -> None:
    n = min(n, len(effect))
    of_value: dict[tuple[int, ...], int] = {}
    for one in combinations(range(len(effect)), n):
        of_value[tuple(k for k in one if effect[k])] = int(effect[list(one)].sum())
    expected = sorted(of_value.values(), reverse=True)[:most]
    found = best_sets(effect.astype(float), n, most)
    assert [int(effect[list(one)].sum()) for one in found] == expected
    assert len({tuple(sorted(k for k in one if effect[k])) for one in found}) == len(expected)


@pytest.fixture(scope="module")
def planted(simulate):
    effects = {("ballroom", "bpm"): 1.5, ("ballroom", "tag"): 0.8, ("ballroom", "year"): -0.8}
    return results_table(simulate(source_effects=effects, noise=0.3, per_cell=8), {})


def test_the_planted_combination_is_the_best_one(planted) -> None:
    best = predictions(planted, {}).best
    first = best[(best["target"] == "ballroom") & (best["rank"] == 1)].set_index("n_sources")
    assert set(first.loc[2, "sources"].split(" + ")) == {"bpm", "tag"}
    assert set(first.loc[3, "sources"].split(" + ")) == {"self", "bpm", "tag"}
    assert first.loc[4, "n_candidates"] == 5 and first.loc[2, "n_candidates"] == 5 * 6
    assert (best.groupby(["target", "n_sources"])["z"].diff().dropna() <= 0).all()


def test_scores_are_z_in_the_targets_own_metric_and_a_run_strays_further(planted) -> None:
    best = predictions(planted, {}).best
    moments = planted.moments.loc[best["target"]]
    np.testing.assert_allclose(best["score"], moments["mean"].to_numpy() + moments["sd"].to_numpy() * best["z"])
    assert (best["run_low"] < best["low"]).all() and (best["high"] < best["run_high"]).all()
    of_five = best[best["n_candidates"] == 5]
    n_left = sum(planted.scores["target"] == "ballroom") - 4 * 8 - 10 - 4  # less SS-R, five strategies' terms, sources
    reach = stats.t.isf(0.025 / 5, n_left)
    np.testing.assert_allclose(of_five["high"] - of_five["z"], reach * of_five["se"], rtol=1e-6)


def test_too_few_runs_predict_nothing(simulate) -> None:
    found = predictions(results_table(simulate(per_cell=1), {}), {})
    assert found.best.empty
    assert found.why_not["gtzan"] == (
        "15 multi-source runs are too few for 10 fixed terms and 4 sources; "
        "at least 10 more runs than terms and sources are needed"
    )


def test_runs_of_a_combination_are_counted(planted) -> None:
    best = predictions(planted, {}).best
    row = best[(best["target"] == "ballroom") & (best["n_sources"] == 2)].iloc[0]
    here = planted.scores[(planted.scores["target"] == "ballroom") & (planted.scores["strategy"] == row["strategy"])]
    same = here["source.bpm"] & here["source.tag"] & (here["n_sources"] == 2)
    assert row["n_runs"] == same.sum()


def test_intervals_cover_the_expected_score_where_nothing_was_picked() -> None:
    """All five sources with each of three strategies, which are all listed."""
    strategies, sources = ("MS-CR@6", "MS-CR@2", "MSS-CR"), list("abcde")
    covered = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        truth, frames = {}, []
        for target in ("x", "y"):
            effect, level = (
                0.1 + 0.3 * rng.standard_normal(5),
                dict(zip(strategies, rng.standard_normal(3), strict=True)),
            )
            present = np.array([rng.permutation(np.arange(5) < n) for n in (2, 3, 4, 5) for _ in range(21)])
            strategy = np.tile(np.array(strategies, dtype=object), 28)
            score = np.array([level[name] for name in strategy]) + present @ effect + rng.standard_normal(84)
            rows = pd.DataFrame(present, columns=[f"source.{name}" for name in sources])
            run_id = [f"{target}{k}" for k in range(84)]
            frames.append(rows.assign(run_id=run_id, strategy=strategy, target=target, score=score))
            truth |= {(target, name): level[name] + effect.sum() for name in strategies}
        best = predictions(results_table(pd.concat(frames), {}), {}).best
        whole = best[best["n_sources"] == 5]
        expected = np.array([truth[key] for key in zip(whole["target"], whole["strategy"], strict=True)])
        covered += list((whole["score_low"] < expected) & (expected < whole["score_high"]))
    assert len(covered) == 90 and np.mean(covered) > 0.93


def test_without_differences_between_sources_none_is_named(simulate) -> None:
    rows = simulate(noise=0.001, targets=("a", "b"))
    best = predictions(results_table(rows, {}), {}).best
    assert len(best) and all(" of (" in sources or sources.count("+") == 3 for sources in best["sources"])


def test_what_cannot_be_predicted_is_told(simulate, results) -> None:
    table = results_table(simulate(strategies={"SS-R": 0.0}), {})
    found = predictions(table, {})
    assert found.best.empty and set(found.why_not) == {"ballroom", "gtzan", "irmas", "valence"}
    without = results.drop(columns=[name for name in results if name.startswith("source.")])
    assert "does not say which sources" in predictions(results_table(without, {}), {}).why_not["every target"]
    assert not list(sentences(found))
    (picture,) = shown(table, found)
    assert picture.caption.startswith("Not drawn. ballroom, gtzan, irmas and valence: ")


def test_the_sentence_names_the_best_with_its_interval(planted) -> None:
    said, caution = sentences(predictions(planted, {}))
    assert said.startswith("Predicted best 4-source combination for each target, with its expected score")
    assert " to " in said and "estimate is probably too high" in caution
