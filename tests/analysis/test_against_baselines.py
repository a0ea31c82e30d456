"""Trained representations and baselines, against t tests that share no code with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.against_baselines import against_baselines, on_each_target
from analysis.exhibits.trained_and_baselines import sentences
from analysis.results_table import ResultsTable, results_table

TARGETS = ("a", "b", "c")


def scored(trained: np.ndarray, baseline: np.ndarray, name: str = "Random") -> ResultsTable:
    """Scores (n_runs, n_targets) of trained runs, and of runs of a baseline."""
    rows = [(f"run{run}", "SS-R", target, score) for run, own in enumerate(trained)
            for target, score in zip(TARGETS, own, strict=True)]  # fmt: skip
    rows += [(f"base{run}", name, target, score) for run, own in enumerate(baseline)
             for target, score in zip(TARGETS, own, strict=True)]  # fmt: skip
    return results_table(pd.DataFrame(rows, columns=["run_id", "strategy", "target", "score"]), {})


def test_on_each_target_it_is_welchs_test() -> None:
    rng = np.random.default_rng(0)
    trained, baseline = rng.normal(0.5, 0.1, (12, 3)), rng.normal(0.4, 0.03, (5, 3))
    table = scored(trained, baseline)
    found = on_each_target(table).set_index("target")
    for k, target in enumerate(TARGETS):
        welch, sd = stats.ttest_ind(trained[:, k], baseline[:, k], equal_var=False), table.moments.at[target, "sd"]
        row = found.loc[target]
        assert row["estimate"] / row["se"] == pytest.approx(welch.statistic) and row["df"] == pytest.approx(welch.df)
        assert row["estimate"] * sd == pytest.approx(trained[:, k].mean() - baseline[:, k].mean())
        own = row["estimate"] + np.array([-1, 1]) * stats.t.isf(0.025, welch.df) * row["se"]
        assert row["ci_low"] < own[0] and own[1] < row["ci_high"], "simultaneous intervals are wider"


def test_one_run_of_a_baseline_is_taken_as_fixed() -> None:
    rng = np.random.default_rng(1)
    trained, baseline = rng.normal(0.5, 0.1, (9, 3)), np.array([[0.5, 0.4, 0.45]])
    found = on_each_target(scored(trained, baseline, "MFCC")).set_index("target")
    test = stats.ttest_1samp(trained[:, 0], 0.5)
    assert found.loc["a", "estimate"] / found.loc["a", "se"] == pytest.approx(test.statistic)


def test_over_targets_runs_and_targets_are_both_a_sample() -> None:
    """Where runs do not differ, a t test over the targets; where targets do not, one over the runs' means."""
    rng = np.random.default_rng(2)
    shape = np.array([-1.0, 0.0, 1.0])
    levels = np.array([0.1, 0.3, 0.5])
    trained = 0.5 + 0.1 * np.repeat(np.resize(shape, 9)[:, None], 3, axis=1)
    by_target = scored(trained, 0.5 - levels[None], "MFCC")
    sd = by_target.moments["sd"].to_numpy()
    (row,) = against_baselines(by_target).itertuples()
    of_targets, of_runs = (levels / sd).var(ddof=1) / 3, (trained / sd).mean(axis=1).var(ddof=1) / 9
    assert row.estimate == pytest.approx((levels / sd).mean())
    assert row.se == pytest.approx(np.sqrt(of_targets + of_runs))
    assert row.df == pytest.approx((of_targets + of_runs) ** 2 / (of_targets**2 / 2 + of_runs**2 / 8))
    assert (row.effect, row.not_above, row.n_targets) == ("MFCC", (), 3)
    noise = rng.normal(0, 0.1, (4, 1)) + np.zeros((4, 3))
    (seeds,) = against_baselines(scored(trained, 0.2 + noise)).itertuples()
    of_seeds = (noise / sd).mean(axis=1).var(ddof=1) / 4
    assert seeds.se == pytest.approx(np.sqrt(of_runs + of_seeds)), "the baseline's own trainings count"


def test_sentences_give_the_difference_its_interval_and_the_targets() -> None:
    rng = np.random.default_rng(0)
    trained = rng.normal(0.5, 0.05, (12, 3))
    table = scored(trained, np.array([[0.1, 0.2, 0.7], [0.11, 0.19, 0.69]]))
    (said,) = sentences(table, against_baselines(table))
    assert said.startswith("The mean trained representation does not differ significantly from Random: +")
    assert said.endswith("its mean is above that of Random on 2 of 3 targets (not on c).")
    better = scored(trained, rng.normal(0.1, 0.01, (5, 3)))
    (said,) = sentences(better, against_baselines(better))
    assert said.startswith("The mean trained representation scores higher than Random: +") and "95 % CI" in said
    none = scored(trained, np.empty((0, 3)))
    assert list(sentences(none, against_baselines(none))) == [
        "No baselines were scored, so whether training helps at all is not known."
    ]
