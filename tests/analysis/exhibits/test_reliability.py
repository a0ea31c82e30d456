from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.exhibits.reliability import NEVER_AGAIN, PARTS, score_parts, sentences, shown
from analysis.results_table import results_table


def scored(rng: np.random.Generator, sd: dict[str, float], n_combinations: int, n_repeats: int, n_splits: int):
    """Rows of SS-R runs of a source each, `n_repeats` of a kind, on two targets, made of parts of known deviation."""
    kinds = [(strategy, source) for strategy in ("a", "b", "c", "d") for source in range(n_combinations // 4)]
    rows = []
    for target in ("gtzan", "fma"):
        split = sd["split"] * rng.standard_normal(n_splits)
        for k, (one, source) in enumerate(kinds):
            of_kind = sd["combination"] * rng.standard_normal()
            for repeat in range(n_repeats):
                of_run = of_kind + sd["run"] * rng.standard_normal()
                rows += [
                    {"run_id": f"{k}-{repeat}", "strategy": "SS-R", "n_sources": 1, "source.x": True,
                     "factor.kind": f"{one}{source}", "target": target, "repeat": s, "fold": 0,
                     "score": of_run + split[s] + sd["residual"] * rng.standard_normal()}
                    for s in range(n_splits)
                ]  # fmt: skip
    return results_table(pd.DataFrame(rows), {})


def test_reliability_is_cronbachs_alpha_with_feldts_interval(results) -> None:
    table = results_table(results, {})
    parts = score_parts(table).set_index("target")
    for target in table.targets:
        scores = table.by_split[table.by_split["target"] == target].pivot(
            index="run_id", columns="repeat", values="score"
        )
        k = scores.shape[1]
        alpha = k / (k - 1) * (1 - scores.var(ddof=1).sum() / scores.sum(axis=1).var(ddof=1))
        assert parts.loc[target, "reliability"] == pytest.approx(alpha)
        df = len(scores) - 1, (len(scores) - 1) * (k - 1)
        assert 1 - (1 - alpha) * stats.f.ppf(0.975, *df) == pytest.approx(parts.loc[target, "low"])
        assert parts.loc[target, "low"] < alpha < parts.loc[target, "high"]


def test_planted_parts_come_back() -> None:
    sd = {"combination": 2.0, "run": 1.0, "split": 1.5, "residual": 0.5}
    parts = score_parts(scored(np.random.default_rng(3), sd, n_combinations=400, n_repeats=3, n_splits=30))
    for part in PARTS:
        rtol = {"split": 0.3, "combination": 0.12}.get(part, 0.05)  # of 30 and 400; the others of thousands
        np.testing.assert_allclose(parts[f"sd_{part}"], sd[part], rtol=rtol)
    np.testing.assert_allclose(parts["reliability"], 5.0 / (5.0 + 0.25 / 30), rtol=0.01)


def test_a_part_that_nothing_tells_is_left_empty() -> None:
    sd = {"combination": 2.0, "run": 1.0, "split": 1.5, "residual": 0.5}
    parts = score_parts(scored(np.random.default_rng(4), sd, n_combinations=40, n_repeats=1, n_splits=3))
    assert parts["sd_run"].isna().all() and parts["sd_combination"].notna().all()
    assert not any("training the same combination" in sentence for sentence in sentences(parts))
    picture, _ = shown(parts)
    assert NEVER_AGAIN in picture.caption
    (legend,) = picture.draw().legends
    assert [text.get_text() for text in legend.get_texts()] == ["combination", "split", "residual"]


def test_where_only_noise_of_splits_is_seen_no_share_is_told() -> None:
    sd = {"combination": 0.0, "run": 0.0, "split": 1.0, "residual": 1.0}
    parts = score_parts(scored(np.random.default_rng(2), sd, n_combinations=20, n_repeats=2, n_splits=4))
    nothing = ~parts[["sd_run", "sd_combination"]].any(axis=1)
    assert nothing.any()
    said = [line for line in sentences(parts) if line.startswith("On ")]
    assert len(said) == 1 and all(target in said[0] for target in parts["target"][nothing])
    assert not any("0% to 0%" in line or "nan" in line for line in sentences(parts))


def test_runs_of_unknown_sources_are_not_taken_for_one_combination(results) -> None:
    rows = results.drop(columns=[name for name in results if name.startswith("source.")])
    parts = score_parts(results_table(rows, {}))
    assert parts["sd_run"].isna().all() and parts["sd_combination"].notna().all()


def test_runs_that_lack_a_split_are_left_out_and_counted(results) -> None:
    rows = results.drop(results.index[(results["run_id"] == "run001") & (results["repeat"] == 1)])
    whole, less = (score_parts(results_table(one, {})) for one in (results, rows))
    assert (less["n_runs"] == whole["n_runs"] - 1).all() and (less["left_out"] == 1).all()


def test_one_split_says_nothing(results) -> None:
    parts = score_parts(results_table(results[results["repeat"] == 0], {}))
    assert parts.empty
    assert next(sentences(parts)).startswith("The reliability of a run's score is not estimable")
