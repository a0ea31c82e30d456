"""`study runs` and `study status` on the small study, and on copies of it that lack something."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.failures import Failure
from jobs.records import begin_attempt, end_open_attempt, read_trained, write_attempt
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.results import result_schema
from study.core.run import baseline_runs
from study.workflow.learning_curves import learning_curves
from study.workflow.runs import run_detail, sorted_runs, study_runs
from study.workflow.status import study_status
from tests.test_bad_input import study

SCORES = ["score.timbre", "score.height", "score.plays"]


@pytest.fixture
def copy(run_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_study, tmp_path / "copy"))


def test_every_run_is_a_row_baselines_first(run_study: Path) -> None:
    given = read_study(run_study)
    table, planned = study_runs(given), read_plan(Paths(run_study).plan, given)
    assert list(table) == ["run_id", "phase", "replicate", "strategy", "n_sources", "sources", "state", "cause",
                           "outcome", *SCORES]  # fmt: skip
    assert table["run_id"].tolist() == [run.run_id for run in baseline_runs(given) + planned]
    assert table["sources"].tolist()[3:] == ["+".join(run.sources) for run in planned]
    assert set(table["state"]) == {"done"} and set(table["outcome"]) == {"ok"} and table["cause"].isna().all()


def test_scores_are_means_of_the_primary_metric(run_study: Path) -> None:
    table = study_runs(read_study(run_study)).set_index("run_id")
    rows = pd.concat([pd.read_parquet(path) for path in Paths(run_study).results.glob("*/*.parquet")])
    for target, metric in (("timbre", "accuracy"), ("height", "r2"), ("plays", "ndcg@10")):
        means = rows[(rows["target"] == target) & (rows["metric"] == metric)].groupby("run_id")["score"].mean()
        pd.testing.assert_series_equal(table[f"score.{target}"].sort_index(), means, check_names=False)


def test_states_are_those_that_status_counts(copy: Path) -> None:
    given, paths = read_study(copy), Paths(copy)
    waiting, failed, running, partly = read_plan(paths.plan, given)[:4]
    for run in (waiting, failed, running):
        shutil.rmtree(paths.results / run.run_id)
        shutil.rmtree(paths.run(run.run_id))
    end_open_attempt(paths, failed.run_id, "learn", (), Failure("gpu-memory", "out of memory"))
    write_attempt(paths, running.run_id, begin_attempt(paths, running.run_id, "learn", ()))
    next(paths.results.glob(f"{partly.run_id}/plays-*")).unlink()
    table = study_runs(given).set_index("run_id")
    states = {waiting: "waiting", failed: "failed", running: "running", partly: "waiting"}
    assert {run: table.loc[run.run_id, "state"] for run in states} == states
    assert table.loc[failed.run_id, "cause"] == "gpu-memory" and table["cause"].notna().sum() == 1
    assert table.loc[partly.run_id, SCORES].notna().tolist() == [True, True, False]
    assert pd.isna(table.loc[waiting.run_id, "outcome"]) and table.loc[partly.run_id, "outcome"] == "ok"
    status = study_status(given)
    counts = table["state"].value_counts()
    assert {state: status[state] for state in counts.index} == counts.to_dict()
    assert status["failed_by_cause"] == {"gpu-memory": 1}


def test_best_scores_come_first_and_missing_ones_last(run_study: Path) -> None:
    table = study_runs(read_study(run_study))
    table.loc[4, "score.height"] = float("nan")
    by_score = sorted_runs(table, "height")
    assert (
        by_score["score.height"].iloc[:-1].is_monotonic_decreasing and by_score["run_id"].iloc[-1] == table["run_id"][4]
    )
    pd.testing.assert_frame_equal(by_score, sorted_runs(table, "score.height"))
    assert sorted_runs(table, "strategy")["strategy"].is_monotonic_increasing
    with pytest.raises(InputFaults, match=r"--sort = 'heigth': expected one of the columns .* did you mean 'height'"):
        sorted_runs(table, "heigth")


def test_learning_curves_are_those_of_the_logs(run_study: Path) -> None:
    given = read_study(run_study)
    planned = read_plan(Paths(run_study).plan, given)
    curves = learning_curves(given, [*baseline_runs(given), *planned])
    assert len(curves) == sum(run.n_sources for run in planned), "one epoch"
    run = planned[-1]
    (line,) = [line for line in map(json.loads, Paths(run_study).log(run.run_id).read_text().splitlines())
               if line["event"] == "epoch"]  # fmt: skip
    of_run = curves[curves["run_id"] == run.run_id].set_index("source")
    assert of_run["loss"].to_dict() == line["loss"] and of_run["validation_loss"].to_dict() == line["validation_loss"]
    assert learning_curves(given, []).dtypes["loss"] == "float64"


def test_one_run_in_detail(copy: Path) -> None:
    given, paths = read_study(copy, ["training.checkpoint_minutes=3"]), Paths(copy)
    run = read_plan(paths.plan, given)[-1]
    attempt = begin_attempt(paths, run.run_id, "evaluate", ("plays",))
    attempt = replace(attempt, finished_at="2026-01-01T00:00:00+00:00", cause="lost", message="the node went away")
    write_attempt(paths, run.run_id, attempt)
    detail = run_detail(given, run.run_id[:9])
    assert json.loads(json.dumps(detail, allow_nan=False))["run_id"] == run.run_id
    assert detail["run_id"] == run.run_id and detail["state"] == "done"
    assert list(detail["settings"]["sources"]) == list(run.sources) and detail["settings"]["seed"] == given.seed
    assert detail["settings"]["training"]["width"] == 0.125
    trained = read_trained(paths, run.run_id)
    assert trained is not None and detail["training"]["train_steps"] == trained.train_steps > 0
    assert [one["kind"] for one in detail["attempts"]] == ["learn", "evaluate", "evaluate", "evaluate", "evaluate"]
    assert detail["attempts"][-1]["message"] == "the node went away"
    scores = {(score["target"], score["metric"]): score["mean"] for score in detail["scores"]}
    assert list(scores) == [
        ("timbre", "accuracy"),
        ("height", "r2"),
        ("plays", "ndcg@10"),
        ("plays", "ndcg@10_heldout"),
    ]
    row = study_runs(given).set_index("run_id").loc[run.run_id]
    assert scores["height", "r2"] == row["score.height"]
    assert [curve["source"] for curve in detail["learning_curves"]] == list(run.sources)
    mfcc = run_detail(given, baseline_runs(given)[0].run_id)
    assert mfcc["learning_curves"] == [] and "training" not in mfcc["settings"]


def test_the_command_prints_tables_json_and_csv(run_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = study_runs(read_study(run_study))
    run_id = table["run_id"].iloc[-1]
    status, out, err = study(capfd, "runs", str(run_study), "--sort", "timbre")
    assert status == 0 and not err and "small: 18 runs (15 + 3 baselines): 18 done" in out
    assert all(run in out for run in table["run_id"]) and "self, pitch, tag" in out
    found = json.loads(study(capfd, "runs", str(run_study), "--json")[1])
    assert found["study"] == "small" and [row["run_id"] for row in found["runs"]] == table["run_id"].tolist()
    assert found["runs"][0]["cause"] is None and found["runs"][-1]["score.height"] == table["score.height"].iloc[-1]
    csv = pd.read_csv(io.StringIO(study(capfd, "runs", str(run_study), "--csv", "--sort", "height")[1]))
    assert csv["score.height"].is_monotonic_decreasing and list(csv) == list(table)
    out = study(capfd, "runs", str(run_study), "--run", run_id[:8])[1]
    assert f"run {run_id}: " in out and "epochs = 1" in out and "evaluate timbre: " in out and "validation loss" in out
    csv = pd.read_csv(io.StringIO(study(capfd, "runs", str(run_study), "--run", run_id, "--csv")[1]))
    assert list(csv) == ["source", "epoch", "loss", "validation_loss"]
    status, _, err = study(capfd, "runs", str(run_study), "--run", "zz", "--csv", "--json", "--sort", "timbre")
    assert status == 2 and err == "--csv: cannot be combined with --json\n--sort: cannot be combined with --run\n"


def test_transfer_has_a_column_of_its_own(copy: Path) -> None:
    """As the results of a study that fine-tunes are: the scores of both levels in one file."""
    given = read_study(copy, ["factors.transfer=['frozen', 'fine-tune']"])
    run = read_plan(Paths(copy).plan, given)[0]
    (path,) = Paths(copy).results.glob(f"{run.run_id}/timbre-*")
    rows, level = pd.read_parquet(path), "factor.transfer"
    both = pd.concat([rows.assign(**{level: "frozen"}), rows.assign(score=0.25, **{level: "fine-tune"})])
    pq.write_table(pa.Table.from_pandas(both, result_schema(given), preserve_index=False), path)
    table = study_runs(given).set_index("run_id")
    assert [name for name in table if name.startswith("score.")] == [
        "score.timbre", "score.timbre.fine-tune", "score.height", "score.height.fine-tune", "score.plays"
    ]  # fmt: skip
    of_run = table.loc[run.run_id]
    assert (of_run["score.timbre"], of_run["score.timbre.fine-tune"]) == (rows["score"].mean(), 0.25)
    scores = [score for score in run_detail(given, run.run_id)["scores"] if score["target"] == "timbre"]
    assert {score["transfer"]: score["mean"] for score in scores} == {
        "frozen": rows["score"].mean(), "fine-tune": 0.25
    }  # fmt: skip
