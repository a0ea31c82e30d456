"""The commands as a user types them, on the small study."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.main import get_command

from study.cli import app
from study.core.digests import facts_of, sealed_json
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.results import PROBE_SCORES_VERSION, stored_results
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.new import new_study
from study.workflow.plan import cost_of, design_study
from study.workflow.status import study_status
from tests.test_bad_input import edit, study


@pytest.fixture
def copy(run_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_study, tmp_path / "copy"))


def test_status_of_a_finished_study(run_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = study(capfd, "status", str(run_study), "--json")
    told = json.loads(out)
    n_runs = 6 + 5 + 4 + 3
    assert status == 0 and told["planned"] == told["done"] == n_runs
    assert told["scores_done"] == told["scores_planned"] == n_runs * 3
    assert told["failed"] == told["running"] == told["waiting"] == 0 and told["other_version"] == []
    assert told["training_hours_spent"] > 0 and told["training_hours_left"] == 0
    assert study(capfd, "status", str(run_study))[1].startswith("small: 18 of 18 runs (15 + 3 baselines) done")


def test_status_tells_failures_and_other_versions(copy: Path) -> None:
    given = read_study(copy)
    run = read_plan(Paths(copy).plan, given)[0]
    shutil.rmtree(Paths(copy).results / run.run_id)
    Paths(copy).trained(run.run_id).unlink()
    attempt = sorted(Paths(copy).attempts(run.run_id).glob("*.json"))[-1]
    attempt.write_text(
        json.dumps(json.loads(attempt.read_text()) | {"cause": "gpu-memory", "message": "out of memory"})
    )
    edit(copy / "study.toml", 'probe = "knn"', 'probe = "svm"')
    changed = study_status(read_study(copy))
    assert changed["failed_by_cause"] == {"gpu-memory": 1} and changed["failed"] == 1
    assert changed["waiting"] + changed["done"] == changed["planned"] - 1


def test_costs_are_corrected_by_what_gpus_took(copy: Path) -> None:
    """A study planned anew: MSS-CR ran at half the speed of the reference, what else was timed at a tenth of it."""
    given = read_study(copy)
    before = {run.run_id: cost_of(given)(run) for run in read_plan(Paths(copy).plan, given)}
    over = {"MSS-CR": 2.0, "SS-R": 10.0}
    for run in read_plan(Paths(copy).plan, given):
        path = Paths(copy).trained(run.run_id)
        record = facts_of(path.read_bytes())
        path.unlink()
        if run.strategy in over:
            seconds = before[run.run_id] * over[run.strategy] * 3600
            path.write_bytes(sealed_json(record | {"device": "NVIDIA H200", "train_seconds": seconds}))
    summary = design_study(given, "3", append=True)
    assert summary["cost_basis"].endswith("finished trainings")
    table = pd.read_parquet(Paths(copy).plan)
    ratios = table.cost_gpu_hours / table.run_id.map(before)
    for strategy, expected in over.items():
        assert ratios[table.strategy == strategy].dropna().values == pytest.approx(expected)
    others = ratios[~table.strategy.isin(over)].dropna()
    assert len(others) and others.between(2, 10).all()


def test_analyze_leaves_a_report(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own = '[[analysis.model]]\nname = "own"\nformula = "score ~ r_star + tag + (1 | run_id)"\n'
    edit(copy / "study.toml", "[[design.phase]]", f"{own}[[design.phase]]")
    status, out, err = study(capfd, "analyze", str(copy), "--until", "n_star < 0.01")
    assert status == 0 and Path(out.strip()) == copy / "report" / "index.html"
    assert "n_star < 0.01 is not reached" in err
    page = (copy / "report" / "index.html").read_text(encoding="utf-8")
    assert "n_star &lt; 0.01 is not reached" in page and "<dt>sound left out</dt><dd>none</dd>" in page
    fit = json.loads((copy / "report" / "fit.json").read_text())
    assert {"strategy", "size", "own"} <= set(fit["models"])
    assert [row["term"] for row in fit["models"]["own"]["fixed"]] == ["intercept", "r_star", "source.tag"]
    assert (copy / "report" / "index.html").stat().st_size > 100_000, "the pictures are within the page"
    assert (copy / "report" / "figures" / "learning_curves.png").is_file()
    assert pd.read_csv(copy / "report" / "tables" / "learning_curves.csv")["n_runs"].sum() == 6 + 5 * 3 + 4 * 2


def test_analyze_a_table_from_elsewhere(copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = pd.concat([pd.read_parquet(path) for path in Paths(copy).results.glob("*/*.parquet")])
    rows = rows[rows["metric"].isin(["accuracy", "r2", "ndcg@10"])]
    rows[["run_id", "target", "score", "strategy", "repeat", "n_sources"]].to_csv(tmp_path / "table.csv", index=False)
    out = tmp_path / "out"
    status, _, err = study(capfd, "analyze", str(tmp_path), "--results", str(tmp_path / "table.csv"), "--out", str(out))
    assert status == 0, err
    assert (out / "index.html").is_file()


def test_design_json_and_append(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = read_plan(Paths(copy).plan, read_study(copy))
    status, out, _ = study(capfd, "design", str(copy), "--budget", "6", "--append", "--json")
    told = json.loads(out)
    assert status == 0 and told["runs"] == 17 and told["runs_by_phase"]["sequential"] == 6
    after = read_plan(Paths(copy).plan, read_study(copy))
    assert after[: len(before)] == before, "what is planned stays, and the plan of 4 is the beginning of that of 6"


def test_the_same_study_file_gives_the_same_plan(small_study: Path, run_study: Path) -> None:
    design_study(read_study(small_study), "4")
    mine, other = (pd.read_parquet(Paths(folder).plan) for folder in (small_study, run_study))
    pd.testing.assert_frame_equal(mine, other)


def test_stop_after_plans_on_beyond_the_plan(copy: Path) -> None:
    given = read_study(copy)
    before = read_plan(Paths(copy).plan, given)
    launch_study(given, LaunchOptions(in_process=True, stop_after_s=4))
    after = read_plan(Paths(copy).plan, given)
    assert after[: len(before)] == before and len(after) > len(before)
    assert study_status(given)["done"] == study_status(given)["planned"]


def test_every_command_that_reads_the_study_file_takes_settings() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    without = {name for name, command in commands.items() if not any("--set" in one.opts for one in command.params)}
    assert without == {"new", "schema"}


def test_settings_for_one_command(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = study(capfd, "launch", str(copy), "--in-process", "--set", "training.epochs=2")
    assert status == 2 and err.startswith("--set training.epochs = 2: the plan was made with [training] epochs = 1;")
    other = ["--set", "study.store=other", "--set", "training.epochs=2"]
    assert study(capfd, "design", str(copy), "--budget", "1", *other)[0] == 0
    status, out, _ = study(capfd, "status", str(copy), "--json", *other)
    assert status == 0 and json.loads(out)["waiting"] == 6 + 5 + 1 + 3, "runs of other settings are other runs"
    status, _, err = study(capfd, "status", str(copy), "--set", "study.store=other")
    assert status == 2 and "this plan was made with [training] epochs = 2 (now 1)" in err
    assert study(capfd, "status", str(copy))[1].startswith("small: 18 of 18 runs (15 + 3 baselines) done")
    status, _, err = study(capfd, "check", str(copy), "--set", "training.epoch=2", "--set", "mel.n_mels=1")
    assert status == 2 and err.count("--set") == 2 and "did you mean 'epochs'?" in err


def test_new_writes_every_template(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for template in ("minimal", "one-representation"):
        assert study(capfd, "new", str(tmp_path / template), "--template", template, "--seed", "9")[0] == 0
        assert read_study(tmp_path / template).seed == 9
        status, _, err = study(capfd, "check", str(tmp_path / template))
        assert status == 2 and "no such file" in err, "the data roots are to be filled in"


@pytest.mark.parametrize(
    ("folder", "name"), [("phil", "phil"), ("Ma Thèse (2)", "ma-these-2"), ("日本", "minimal"), ("a_b-3", "a_b-3")]
)
def test_a_new_study_is_named_as_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    new_study(tmp_path / folder)
    assert read_study(tmp_path / folder).name == name


def test_the_study_file_stands_for_its_folder(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert study(capfd, "status", str(copy / "study.toml")) == study(capfd, "status", str(copy))
    status, _, err = study(capfd, "status", str(copy.parent / "none" / "study.toml"))
    assert status == 2 and "none: no study.toml in this folder" in err
    for name, command in get_command(app).commands.items():
        folders = [one for one in command.params if one.name == "folder"]
        assert all(one.callback is not None for one in folders), name


def test_design_counts_baselines_beside_what_it_plans(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = study(capfd, "design", str(small_study), "--budget", "4")
    assert status == 0 and "small: 15 runs planned (6 single, 5 all, 4 sequential) + 3 baselines" in out


def test_schema_is_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert json.loads(study(capfd, "schema")[1])["title"] == "Study"


@pytest.mark.parametrize("typed, offered", [("study la", "launch"), ("study launch --st", "--stop-after")])
def test_a_shell_completes_commands_and_options(typed: str, offered: str) -> None:
    asked = {"_STUDY_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    command = [sys.executable, "-c", "import sys; from study.cli import run; sys.argv[0] = 'study'; run()"]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [offered]


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, study.cli; print([m for m in ('torch', 'ray', 'sklearn', 'matplotlib') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_status_does_not_count_a_truncated_result(copy: Path) -> None:
    path = next(stored_results(Paths(copy))).path
    path.write_bytes(path.read_bytes()[:100])
    told = study_status(read_study(copy))
    assert told["done"] == told["planned"] - 1


def test_scores_of_another_version_are_refused_unless_mixed(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = next(stored_results(Paths(copy))).path
    rows = pq.read_table(path)
    column = rows.schema.get_field_index("probe_scores_version")
    older = pa.array([0] * len(rows), rows.schema.field(column).type)
    older_rows = rows.set_column(column, rows.schema.field(column), older)
    pq.write_table(older_rows.replace_schema_metadata(None), path)  # as before there were digests
    status, _, err = study(capfd, "launch", str(copy), "--in-process")
    assert status == 2 and f"probe_scores_version = 0: expected {PROBE_SCORES_VERSION}" in err
    assert study(capfd, "launch", str(copy), "--in-process", "--mix-versions")[0] == 0


def test_a_table_from_elsewhere_needs_no_columns_of_the_study_beside_it(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = pd.concat([pd.read_parquet(path) for path in Paths(copy).results.glob("*/*.parquet")])
    rows[["run_id", "target", "score", "strategy", "repeat", "metric", "n_sources"]].to_csv(
        tmp_path / "t.csv", index=False
    )
    out = tmp_path / "out"
    status, _, err = study(capfd, "analyze", str(copy), "--results", str(tmp_path / "t.csv"), "--out", str(out))
    assert status == 0 and (out / "index.html").is_file(), err


def test_an_unwritable_store_is_told_without_a_traceback(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit(small_study / "study.toml", 'name = "small"', 'name = "small"\nstore = "tracks.csv/store"')
    status, _, err = study(capfd, "design", str(small_study), "--budget", "2")
    assert status == 1 and "tracks.csv" in err
