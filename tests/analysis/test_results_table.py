from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models import size_model, strategy_model
from analysis.results_table import results_table
from analysis.table_file import read_table
from study.core.errors import InputFaults

RNG = np.random.default_rng(0)
METRICS = dict.fromkeys(("ballroom", "gtzan", "irmas", "valence"), "accuracy")


def small(**columns: object) -> pd.DataFrame:
    rows = {"run_id": list("abcabc"), "target": ["x"] * 3 + ["y"] * 3, "score": [1.0, 2, 3, 10, 30, 20]}
    return pd.DataFrame(rows | {"strategy": ["SS-R", "MSS-CR", "MS-CR@2"] * 2} | columns)


def test_repeats_are_averaged_and_scores_standardised_within_target(results) -> None:
    table = results_table(results, METRICS)
    assert not table.scores.duplicated(["run_id", "target"]).any()
    assert (table.scores["n_scores"] == 2).all()
    by_target = table.scores.groupby("target")["z"]
    np.testing.assert_allclose(by_target.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(by_target.std(ddof=1), 1)
    one = results[(results["run_id"] == "run000") & (results["target"] == "gtzan")]["score"].mean()
    row = table.scores.set_index(["run_id", "target"]).loc[("run000", "gtzan")]
    assert row["score"] == pytest.approx(one)
    assert row["z"] == pytest.approx((one - table.moments.loc["gtzan", "mean"]) / table.moments.loc["gtzan", "sd"])


def test_baselines_stand_apart_and_do_not_move_the_standardisation(results) -> None:
    with_baselines = results_table(results, METRICS)
    without = results_table(results[results["phase"] != "baseline"], METRICS)
    assert set(with_baselines.baselines["strategy"]) == {"MFCC", "Random"}
    assert without.baselines.empty
    pd.testing.assert_frame_equal(with_baselines.scores, without.scores)


def test_only_the_primary_metric_counts_and_the_rest_is_counted(results) -> None:
    second = results.assign(metric="f1", score=-1.0)
    table = results_table(pd.concat([results, second]), METRICS)
    pd.testing.assert_frame_equal(table.scores, results_table(results, METRICS).scores)
    assert table.excluded == {"another metric than the target's primary": len(results)}


def test_rows_without_a_score_are_left_out_by_cause_and_their_runs_named(results) -> None:
    failed = (results["run_id"] == "run003") & (results["target"] == "irmas")
    half = (results["run_id"] == "run004") & (results["target"] == "irmas") & (results["repeat"] == 1)
    rows = results.assign(outcome=np.where(failed, "diverged", np.where(half, "timeout", "ok")))
    rows.loc[failed | half, "score"] = np.nan
    table = results_table(rows, METRICS)
    assert table.excluded == {"outcome diverged": 2, "outcome timeout": 1}
    lost = table.missing[["run_id", "strategy", "n_sources", "target"]].to_dict("records")
    assert lost == [{"run_id": "run003", "strategy": "SS-R", "n_sources": 1, "target": "irmas"}]
    kept = table.scores.set_index(["run_id", "target"])
    assert kept.loc[("run004", "irmas"), "n_scores"] == 1


def test_a_run_of_which_no_row_tells_on_a_target_is_missing_there(results) -> None:
    gone = (results["run_id"] == "run003") & (results["target"] == "irmas")
    table = results_table(results[~gone], METRICS)
    (lost,) = table.missing[["run_id", "target", "strategy", "outcome"]].values.tolist()
    assert lost == ["run003", "irmas", "SS-R", "no row"] and not table.excluded


def test_targets_that_the_study_no_longer_has_are_left_out_and_counted(results) -> None:
    table = results_table(results, dict.fromkeys(("gtzan", "irmas"), "accuracy"))
    assert table.targets == ("gtzan", "irmas")
    assert table.excluded["target not in the study"] == int((~results["target"].isin(["gtzan", "irmas"])).sum())


def test_a_table_from_elsewhere_needs_four_columns() -> None:
    table = results_table(small(), {})
    assert table.targets == ("x", "y")
    assert table.sources == ()
    assert table.strategies == ("SS-R", "MS-CR@2", "MSS-CR")
    assert "n_sources" not in table.scores


def test_the_number_of_sources_is_counted_where_it_is_not_given() -> None:
    rows = small(**{"source.a": [1, 1, 1] * 2, "source.b": [0, 1, 1] * 2})
    assert results_table(rows, {}).scores["n_sources"].tolist() == [1, 2, 2, 1, 2, 2]
    rows = pd.concat(
        [rows.astype({"source.a": bool, "source.b": bool}), small().iloc[[0]].assign(run_id="m", strategy="MFCC")]
    )
    table = results_table(rows, {})
    assert table.scores["n_sources"].tolist() == [1, 2, 2, 1, 2, 2] and table.baselines["n_sources"].tolist() == [0]


def test_rows_without_a_score_may_lack_their_metric_and_outcome() -> None:
    lost = small().iloc[[0, 3]].assign(run_id="m", score=np.nan)
    table = results_table(pd.concat([small(metric="r2", outcome="ok"), lost]), {})
    assert table.excluded == {"outcome not given": 2}
    assert table.moments["metric"].tolist() == ["r2", "r2"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_are_read_by_their_suffix(tmp_path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    small().to_csv(path, index=False) if suffix == ".csv" else small().to_parquet(path)
    pd.testing.assert_frame_equal(results_table(read_table(path), {}).scores, results_table(small(), {}).scores)


@pytest.mark.parametrize(("name", "content"), [("t.csv", b""), ("t.parquet", b"PAR1 truncated"), ("t.xlsx", b"")])
def test_a_table_that_cannot_be_read_is_one_clear_fault(tmp_path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputFaults, match=name):
        read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (small().drop(columns="strategy"), "strategy: no such column; without it no effect of the strategy"),
        (small().rename(columns={"score": "Score"}), "did you mean 'Score'"),
        (small().iloc[:0], "nothing has been scored yet"),
        (pd.concat([small(), small().tail(1)]), "run_id x target: expected once; 2 rows share theirs: c on y"),
        (small(score=[1.0, 2, np.nan, 1, 2, 3]), "score = nan: expected a finite number .* not so in 1 row: c on x"),
        (small(score=[1.0, 2, "high", 1, 2, 3]), "score = 'high': expected a finite number"),
        (small(score=[1.0, 2, 3, 5, 5, 5]), "score on y = 5.0: expected scores that differ.*; all 3 are equal"),
        (small(score=[1.0, 2, 3, 0.7, 0.7 + 1e-16, 0.7]), "score on y = 0.7: expected scores that differ"),
        (small(score=[1.0, 2, 3, 0, 0, 0]), "score on y = 0.0: expected scores that differ"),
        (small(score=[1.0, 2, 3, 1e-200, 2e-200, 3e-200]), "score on y = 3e-200: expected scores whose squares"),
        (small(target=["x"] * 3 + ["y", None, np.nan]), "target: expected a name; it is empty in 2 rows.*: 5, 6"),
        (small(run_id=["a", "b", " ", "a", "b", "c"]), "run_id: expected a name; it is empty in 1 row.*: 3"),
        (small(target="x", run_id=list("abcdef")), "expected 2 or more targets"),
        (small(strategy=["SS-R", "MSSCR", "MS-CR@2"] * 2), "'MSSCR': unknown.*did you mean 'MSS-CR'"),
        (small(strategy=["SS-R"] * 3 + ["MSS-CR"] * 3), "strategy: expected the same in all rows of a run"),
        (small(metric=["f1", "f1", "r2"] * 2), "expected one metric per target"),
        (small(n_sources=[1, 1, 2] * 2), "expected 1 for SS-R and 2 or more for the others; not so in run b"),
        (
            small(n_sources=[1, 3, 2] * 2, **{"source.p": 1, "source.q": [0, 1, 1] * 2}),
            "number of sources present.*run b",
        ),
        (small(**{"source.p": 1, "source.q": [1, 0, 1] * 2}), "expected 1 for SS-R and .* not so in runs a, b"),
        (small(**{"source.p": [1, 2, 1] * 2}), "source.p = 2: expected true or false; not so in run b"),
        (small(**{"source.p": ["false", "yes", "true"] * 2}), "source.p = 'yes': expected true or false"),
        (small(train_scores_version=[1, 2, 1] * 2), "train_scores_version = '1, 2': expected one version"),
    ],
)
def test_bad_tables_give_one_clear_error(rows: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputFaults, match=message):
        results_table(rows, {})


def test_versions_can_be_mixed_on_demand() -> None:
    assert len(results_table(small(train_scores_version=[1, 2, 1] * 2), {}, mix_versions=True).scores) == 6


def test_faults_are_told_all_at_once() -> None:
    rows = small(strategy=["SS-R", "MSSCR", "MS-CR@2"] * 2, score=[np.nan, 2, 3, 1, 2, 3])
    with pytest.raises(InputFaults) as caught:
        results_table(rows, {})
    assert {fault.key for fault in caught.value.faults} == {"strategy", "score"}


def test_a_source_of_the_study_that_the_table_lacks_is_a_fault(results) -> None:
    with pytest.raises(InputFaults, match=r"source.lyrics: no such column"):
        results_table(results, METRICS, ["self", "bpm", "year", "tag", "lyrics"])


def test_a_primary_metric_that_no_row_has_is_a_fault(results) -> None:
    with pytest.raises(InputFaults, match=r"metric on gtzan = 'accurracy': .*did you mean 'accuracy'"):
        results_table(results, METRICS | {"gtzan": "accurracy"})


def with_transfer(results: pd.DataFrame, effect: float, seed: int = 1) -> pd.DataFrame:
    """Each row at both levels, but for the target irmas and the baseline MFCC; `effect` in units of 0.1."""
    rng = np.random.default_rng(seed)
    both = (results["target"] != "irmas") & (results["strategy"] != "MFCC")
    tuned = results[both].assign(**{"factor.transfer": "fine-tune"})
    tuned["score"] += 0.1 * (effect + 0.3 * rng.standard_normal(len(tuned)))
    return pd.concat([results.assign(**{"factor.transfer": "frozen"}), tuned], ignore_index=True)


def test_levels_of_transfer_have_rows_of_their_own_and_the_frozen_ones_stand_by_themselves(results) -> None:
    table = results_table(with_transfer(results, 2.0), METRICS)
    plain = results_table(results, METRICS)
    assert table.shares_runs and not plain.shares_runs and plain.frozen is plain
    assert not table.scores.duplicated(["run_id", "target", "factor.transfer"]).any()
    assert len(table.scores) == len(plain.scores) * 7 / 4
    by_target = table.scores.groupby("target")["z"]
    np.testing.assert_allclose(by_target.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(by_target.std(ddof=1), 1)
    for mine, other in (
        (table.frozen.scores, plain.scores), (table.frozen.moments, plain.moments), (table.runs, plain.runs),
        (table.frozen.baselines, plain.baselines), (table.frozen.by_split, plain.by_split),
    ):  # fmt: skip
        pd.testing.assert_frame_equal(mine.reset_index(drop=True), other.reset_index(drop=True), check_like=True)
    assert list(table.factor_levels) == ["transfer"] and table.factor_levels["transfer"][0] == "frozen"


def test_a_level_without_a_score_is_missing_at_that_level(results) -> None:
    rows = with_transfer(results, 2.0).assign(outcome="ok")
    lost = (rows["run_id"] == "run003") & (rows["target"] == "gtzan") & (rows["factor.transfer"] == "fine-tune")
    rows.loc[lost, ["outcome", "score"]] = ["diverged", np.nan]
    table = results_table(rows, METRICS)
    assert table.missing[["run_id", "target", "factor.transfer"]].values.tolist() == [["run003", "gtzan", "fine-tune"]]
    assert table.frozen.missing.empty


def test_a_target_without_frozen_scores_is_a_fault(results) -> None:
    rows = with_transfer(results, 2.0)
    gone = (rows["target"] == "gtzan") & (rows["factor.transfer"] == "frozen")
    with pytest.raises(InputFaults, match="score on gtzan: expected scores at the first level"):
        results_table(rows[~gone], METRICS)


def test_rows_at_no_level_of_transfer_and_rows_twice_at_one_are_refused(results) -> None:
    rows = with_transfer(results, 0.0)
    with pytest.raises(
        InputFaults, match=r"factor\.transfer = nan: expected one of frozen, last-layer, fine-tune, scratch"
    ):
        results_table(pd.concat([rows, results.assign(run_id="z" + results["run_id"])]), METRICS)
    with pytest.raises(InputFaults, match=r"factor\.transfer: expected once"):
        results_table(pd.concat([rows, rows.head(1)]), METRICS)


@pytest.mark.parametrize("model_of", [lambda table: strategy_model(table, table.factor_levels),
                                      lambda table: size_model(table, table.factor_levels)])  # fmt: skip
def test_a_planted_effect_of_fine_tuning_is_found_beside_what_rows_of_a_run_share(simulate, model_of) -> None:
    results = simulate(seed=3, noise=0.8)
    table = results_table(with_transfer(results, 0.6), {})
    model = model_of(table)
    assert "| run_id)" in model.formula and model.groups["run_id"] == len(table.runs)
    assert "(0 + `factor.transfer[fine-tune]` | target)" in model.formula
    (row,) = model.fixed[model.fixed["term"] == "factor.transfer[fine-tune]"].itertuples()
    planted = 0.06 / table.moments.loc[["ballroom", "gtzan", "valence"], "sd"].mean()
    assert row.ci_low < planted < row.ci_high and row.p < 0.1
    without = results_table(results, {})
    assert "factor.transfer" not in model_of(without).formula
