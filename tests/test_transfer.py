"""Frozen and fine-tuned, from the study file to the report: a factor of the evaluation, for which nothing is trained
again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs import launch as story
from jobs.in_process import InProcess
from jobs.preparation import prepare
from jobs.prepared_data import read_prepared
from jobs.records import read_attempts, read_trained
from jobs.steps import Step, execute
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import plan_schema, read_plan
from study.core.reading import read_study
from study.core.results import KEY
from study.core.run import Run, baseline_runs, make_run
from study.core.study_file import Study
from study.core.valid_results import read_results
from study.workflow.analysis import analyze_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from study.workflow.status import study_status
from study.workflow.verify import verify_study
from tests.small_study import STUDY
from tests.test_bad_input import edit
from tests.test_bad_input import study as command

ROW = [*KEY, "factor.transfer"]
TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at"]
TRANSFER = '[factors]\nstrategy = ["SS-R", "MS-CR@4", "MSS-CR"]\ntransfer = ["fine-tune", "frozen"]\n\n[fine_tuning]\n'
SMALLER = (
    ("[training]", f"{TRANSFER}epochs = 2\nbatch_size = 8\n\n[training]"),
    ("random = 2", "random = 1"),
    ("n_sources = [1]\nrepeats = 2", "n_sources = [1]"),
    ('strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]', 'strategy = ["MS-CR@4", "MSS-CR"]'),
    ('strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]', 'strategy = ["MS-CR@4", "MSS-CR"]'),
)


def with_transfer(folder: Path) -> Study:
    for old, new in SMALLER:
        edit(folder / "study.toml", old, new)
    return read_study(folder)


def rows(study: Study) -> pd.DataFrame:
    found, faults = read_results(Paths(study.store))
    assert not faults and not found.duplicated(ROW).any()
    return found.sort_values(ROW, ignore_index=True)


def launch(study: Study, run: Run) -> None:
    story.launch(study, prepare(study, workers=1), [run], InProcess(study), lambda progress, report: None)


@pytest.fixture(scope="module")
def finished(small_study_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study with both levels of transfer, designed and launched; not to be changed."""
    folder = Path(shutil.copytree(small_study_template, tmp_path_factory.mktemp("transfer") / "small"))
    study = with_transfer(folder)
    design_study(study, "2")
    launch_study(study, LaunchOptions(in_process=True))
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_every_run_is_scored_under_each_level_where_there_is_a_network_and_a_label(finished: Path) -> None:
    study = read_study(finished)
    found = rows(study)
    assert (found["outcome"] == "ok").all()
    levels = found.groupby(["strategy", "target"])["factor.transfer"].agg(lambda of: "+".join(sorted(set(of))))
    for (strategy, target), which in levels.items():
        frozen_only = strategy == "MFCC" or target == "plays"
        assert which == ("frozen" if frozen_only else "fine-tune+frozen"), (strategy, target)
    assert set(found["strategy"]) == {"MFCC", "Random", "SS-R", "MS-CR@4", "MSS-CR"}
    both = found[found["target"] == "height"].groupby(["run_id", "repeat", "fold"])["factor.transfer"].nunique()
    assert (both[found.loc[found["strategy"] != "MFCC", "run_id"].unique()] == 2).all()
    fine_tuned = found[found["factor.transfer"] == "fine-tune"]
    assert fine_tuned.groupby("target")["score"].nunique().min() > 1
    told = study_status(study)
    assert told["done"] == told["planned"] == found["run_id"].nunique() and not told["other_version"]
    for run in read_plan(Paths(finished).plan, study):
        kept = pd.read_parquet(Paths(finished).target(run.run_id, "timbre") / "predictions-fine-tune.parquet")
        assert (
            len(kept) == 2 * 4 and (Paths(finished).target(run.run_id, "timbre") / "confusion-fine-tune.csv").exists()
        )
        assert not Paths(finished).representations(run.run_id).exists()


def test_design_and_run_ids_know_nothing_of_it_and_frozen_scores_stay(finished: Path, run_study: Path) -> None:
    """Of the runs that the small study has without the factor, too: same names, same scores to the bit."""
    study = read_study(finished)
    assert "factor.transfer" not in plan_schema(study).names
    mine, other = rows(study), read_results(Paths(run_study))[0]
    frozen = mine[mine["factor.transfer"] == "frozen"]
    key = ["run_id", "target", "repeat", "fold", "metric"]
    both = frozen.merge(other, on=key, suffixes=("", "_other"))
    assert both["run_id"].nunique() >= 6 and set(both["target"]) == {"timbre", "height", "plays"}
    np.testing.assert_array_equal(both["score"], both["score_other"])
    assert (both["target_fingerprint"] != both["target_fingerprint_other"]).all(), "their files never mix"
    assert "factor.transfer" not in other


@pytest.mark.usefixtures("unrendered")
def test_the_report_tells_the_levels_apart(copy: Path) -> None:
    page = analyze_study(read_study(copy)).write_report(Paths(copy).report)
    fit = json.loads((page.parent / "fit.json").read_text())["models"]
    for model in ("strategy", "size"):
        assert "factor.transfer[fine-tune]" in [term["term"] for term in fit[model]["fixed"]]
        assert "run_id" in [term["group"] for term in fit[model]["random"]] and "| run_id)" in fit[model]["formula"]
    n_runs = len(read_plan(Paths(copy).plan, read_study(copy)))
    assert fit["strategy"]["n_rows"] == n_runs * (2 + 2 + 1)
    assert "Fine-tuning a run" in page.read_text() and "no such scores on plays" in page.read_text()
    means = pd.read_csv(page.parent / "tables" / "scores_by_transfer.csv")
    assert sorted(zip(means["runs"], means["factor.transfer"], strict=True)) == [
        (runs, level) for runs in ("Random", "learned") for level in ("fine-tune", "frozen")
    ]


def test_a_launch_killed_between_the_steps_ends_with_the_same_rows(copy: Path) -> None:
    study = read_study(copy)
    before = rows(study)
    run = read_plan(Paths(copy).plan, study)[-1]
    trained = read_trained(Paths(copy), run.run_id)
    shutil.rmtree(Paths(copy).results / run.run_id)
    for step in (Step("learn", run, ("timbre", "height", "plays")), Step("fine-tune", run, ("timbre",))):
        assert execute(study, step).failure is None
    made = Paths(copy).fine_tuned(run.run_id, "timbre", read_prepared(study).targets["timbre"].fingerprint)
    written = made.stat().st_mtime_ns
    assert execute(study, Step("fine-tune", run, ("timbre",))).failure is None
    assert made.stat().st_mtime_ns == written, "what is there is not made again"
    launch_study(study, LaunchOptions(in_process=True))
    pd.testing.assert_frame_equal(rows(study).drop(columns=TIMES), before.drop(columns=TIMES), check_exact=True)
    assert read_trained(Paths(copy), run.run_id) == trained, "nothing was trained again"


def test_damaged_predictions_of_a_fine_tuned_network_are_made_again(copy: Path) -> None:
    """Once it is seen that they are not what was written, they are set aside, and the same rows come of others."""
    study = read_study(copy)
    before, run = rows(study), read_plan(Paths(copy).plan, study)[-1]
    shutil.rmtree(Paths(copy).results / run.run_id)
    for step in (Step("learn", run, ("timbre", "height", "plays")), Step("fine-tune", run, ("timbre",))):
        assert execute(study, step).failure is None
    made = Paths(copy).fine_tuned(run.run_id, "timbre", read_prepared(study).targets["timbre"].fingerprint)
    content = bytearray(made.read_bytes())
    content[len(content) // 2] ^= 1
    made.write_bytes(content)
    (damaged,) = verify_study(study)["damaged"]
    assert damaged["file"] == str(made.relative_to(copy))
    launch_study(study, LaunchOptions(in_process=True))
    pd.testing.assert_frame_equal(rows(study).drop(columns=TIMES), before.drop(columns=TIMES), check_exact=True)
    assert [attempt.cause for attempt in read_attempts(Paths(copy), run.run_id)].count("damaged") == 1


def test_fine_tuning_that_diverges_is_a_row_with_its_reason(copy: Path) -> None:
    """Other settings make another target of it: evaluated anew from the kept weights."""
    edit(copy / "study.toml", "epochs = 2\nbatch_size", "epochs = 2\nlearning_rate = 1e30\nbatch_size")
    hot = read_study(copy)
    prepared, of_before = prepare(hot, workers=1).targets, read_prepared(read_study(copy)).targets
    assert prepared == of_before
    run = read_plan(Paths(copy).plan, hot)[0]
    launch_study(hot, LaunchOptions(in_process=True, runs=(run.run_id,)))
    found = rows(hot)
    here = found[(found["target_fingerprint"] == prepared["timbre"].fingerprint) & (found["run_id"] == run.run_id)]
    outcomes = here.set_index("factor.transfer")["outcome"]
    assert set(outcomes["fine-tune"]) == {"diverged"} and set(outcomes["frozen"]) == {"ok"}
    assert here[here["outcome"] == "diverged"]["score"].isna().all()


def test_a_factor_added_later_trains_nothing_again(small_study: Path) -> None:
    study = read_study(small_study)
    run = baseline_runs(study)[1]
    launch(study, run)
    before, trained = read_prepared(study).targets, read_trained(Paths(small_study), run.run_id)
    later = with_transfer(small_study)
    launch(later, run)
    assert read_trained(Paths(small_study), run.run_id) == trained
    assert {name: at.sound for name, at in before.items()} == {
        name: at.sound for name, at in read_prepared(later).targets.items()
    }
    now = {at.fingerprint for at in read_prepared(later).targets.values()}
    assert not now & {at.fingerprint for at in before.values()}


def test_a_training_that_diverged_has_no_score_at_either_level(small_study: Path) -> None:
    with_transfer(small_study)
    edit(small_study / "study.toml", "learning_rate = 0.001", "learning_rate = 1e30")
    hot = read_study(small_study)
    launch(hot, make_run(hot, "single", 0, "SS-R", ("tag",)))
    found = rows(hot)
    assert set(found["outcome"]) == {"diverged"} and len(found) == 2 * (2 + 2 + 2)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", '[factors]\ntransfer = ["frozen", "finetune"]\n',
         "'finetune': expected one of frozen, last-layer, fine-tune, scratch, own-head; did you mean 'fine-tune'"),
        ("", '[factors]\ntransfer = ["frozen"]\n', "expected two levels or more"),
        ("", "[fine_tuning]\nepochs = 3\n", "has no effect without"),
        ("", '[factors]\ntransfer = ["frozen", "fine-tune"]\n[fine_tuning]\nbatch_size = 1\nepoch = 3\n',
         "did you mean 'epochs'"),
        ('criterion = "anytime"', 'criterion = "anytime"\nbalance = ["transfer"]\n[factors]\n'
         'transfer = ["frozen", "fine-tune"]', "expected one of strategy, sources, n_sources"),
        ("", '[[design.constraint]]\nforbid = { transfer = "frozen" }\n[factors]\ntransfer = ["frozen", "fine-tune"]\n',
         "forbid.transfer: expected one of strategy, sources, n_sources"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_study_file_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace(old, new) if old else STUDY + new)
    with pytest.raises(InputFaults) as caught:
        read_study(tmp_path)
    assert told in str(caught.value)


def test_a_table_with_a_level_that_is_none_is_refused(
    finished: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = rows(read_study(finished)).assign(**{"factor.transfer": "fine-tuned"})
    table.to_parquet(tmp_path / "t.parquet")
    status, _, err = command(capfd, "analyze", str(tmp_path), "--results", str(tmp_path / "t.parquet"))
    assert status == 2 and "factor.transfer = 'fine-tuned': expected one of frozen, last-layer, fine-tune, " in err
