"""Factors of the evaluation, from the study file to the results: every run at each level, nothing trained again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs import launch as story
from jobs.in_process import InProcess
from jobs.preparation import prepare
from jobs.records import read_trained
from study.core.evaluation_factors import EVALUATION_FACTORS, Setting, crossed
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.results import KEY
from study.core.run import baseline_runs, make_run
from study.core.study_file import Study
from study.core.valid_results import expected_results, read_results
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from study.workflow.runs import run_detail, study_runs
from study.workflow.status import study_status
from tests.small_study import faults_of
from tests.test_bad_input import edit

NAMES = ("transfer", "probe", "pca", "readout")
COLUMNS = [f"factor.{name}" for name in NAMES]
ROW = [*KEY, *COLUMNS]
FACTORS = """[factors]
strategy = ["SS-R", "MSS-CR"]
transfer = ["scratch", "frozen", "last-layer"]
probe = ["knn", "logistic"]
pca = ["off", "4"]
readout = ["representation", "conv2+conv3:max"]

[fine_tuning]
epochs = 1
batch_size = 8

"""


def varied(folder: Path) -> Study:
    edit(folder / "study.toml", "[training]", f"{FACTORS}[training]")
    edit(folder / "study.toml", 'probe = "knn"\n', "")
    edit(folder / "study.toml", 'probe = "knn"\n', "")
    edit(folder / "study.toml", "random = 2", "random = 1")
    edit(folder / "study.toml", "n_sources = [1]\nrepeats = 2", "n_sources = [1]")
    for _ in range(2):
        edit(folder / "study.toml", '["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]', '["MSS-CR"]')
    return read_study(folder)


@pytest.fixture(scope="module")
def finished(small_study_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(small_study_template, tmp_path_factory.mktemp("evaluation") / "small"))
    study = varied(folder)
    design_study(study, "1")
    launch_study(study, LaunchOptions(in_process=True))
    return folder


@pytest.fixture(scope="module")
def rows(finished: Path) -> pd.DataFrame:
    found, faults = read_results(Paths(finished))
    assert not faults and not found.duplicated(ROW).any()
    return found


def settings_of(rows: pd.DataFrame, strategy: str, target: str) -> set[tuple[str, ...]]:
    own = rows[(rows["strategy"] == strategy) & (rows["target"] == target)]
    counts = own.groupby(["run_id", *COLUMNS])["repeat"].nunique()
    assert (counts == 2).all(), "each setting on every split"
    return set(own[COLUMNS].itertuples(index=False, name=None))


def test_every_run_is_evaluated_at_each_level_that_applies(rows: pd.DataFrame) -> None:
    assert (rows["outcome"] == "ok").all()
    stages = ("representation", "conv2+conv3:max")
    frozen = {
        ("frozen", probe, pca, stage) for probe in ("logistic", "knn") for pca in ("off", "4") for stage in stages
    }
    at_reference = ("logistic", "off", "representation")
    assert settings_of(rows, "SS-R", "timbre") == frozen | {(t, *at_reference) for t in ("last-layer", "scratch")}
    assert settings_of(rows, "Random", "timbre") == frozen | {("last-layer", *at_reference)}
    assert settings_of(rows, "MFCC", "timbre") == {each for each in frozen if each[3] == "representation"}
    no_logistic = {each for each in frozen if each[1] == "knn"}
    trained = {(t, "knn", "off", "representation") for t in ("last-layer", "scratch")}
    assert settings_of(rows, "MSS-CR", "height") == no_logistic | trained
    assert settings_of(rows, "MSS-CR", "plays") == {each for each in frozen if each[1] == "logistic"}


def test_scores_differ_where_they_should(rows: pd.DataFrame) -> None:
    """A k-NN sees distances alone, which a rotation keeps: all components of few features are the same as none."""
    means = rows[rows["target"] == "height"].groupby(["strategy", *COLUMNS])["score"].mean()
    for level in ("representation", "conv2+conv3:max"):
        assert means["MSS-CR", "frozen", "knn", "off", level] != means["MSS-CR", "frozen", "knn", "4", level]
    assert means["SS-R"].nunique() > 4


def test_status_runs_and_predictions_know_the_settings(finished: Path, rows: pd.DataFrame) -> None:
    study = read_study(finished)
    told = study_status(study)
    assert told["done"] == told["planned"] and not told["other_version"]
    table = study_runs(study).set_index("run_id")
    wanted = ["score.timbre", "score.timbre.conv2+conv3:max", "score.timbre.4", "score.timbre.knn.4.conv2+conv3:max"]
    assert set(wanted) <= set(table) and {"score.timbre.scratch", "score.height.last-layer"} <= set(table)
    assert "score.plays.knn" not in table and "score.height.knn" not in table
    run_id = table.index[table["strategy"] == "MSS-CR"][0]
    own = rows[(rows["run_id"] == run_id) & (rows["target"] == "timbre") & (rows["factor.probe"] == "knn")]
    at = own[(own["factor.pca"] == "4") & (own["factor.readout"] == "representation")]
    assert table.loc[run_id, "score.timbre.knn.4"] == pytest.approx(at["score"].mean())
    assert {score["setting"] for score in run_detail(study, run_id)["scores"] if score["target"] == "plays"} == {
        "", "4", "conv2+conv3:max", "4.conv2+conv3:max",
    }  # fmt: skip
    kept = {path.name for path in Paths(finished).target(run_id, "timbre").iterdir()}
    assert {"predictions.parquet", "predictions-scratch.parquet", "predictions-knn.4.conv2+conv3_max.parquet"} <= kept


def test_ids_and_plans_do_not_depend_on_them(finished: Path) -> None:
    with_factors = read_study(finished)
    without = with_factors.model_copy(update={"factors": {"strategy": ("SS-R", "MSS-CR")}})
    for strategy, sources in (("SS-R", ("tag",)), ("MSS-CR", ("self", "tag"))):
        assert make_run(with_factors, "", 0, strategy, sources) == make_run(without, "", 0, strategy, sources)
    assert [run.run_id for run in baseline_runs(with_factors)] == [run.run_id for run in baseline_runs(without)]


def test_a_level_added_later_is_evaluated_from_the_kept_weights(small_study: Path) -> None:
    study = read_study(small_study)
    run = make_run(study, "single", 0, "SS-R", ("tag",))
    story.launch(study, prepare(study, workers=1), [run], InProcess(study), lambda progress, report: None)
    trained = read_trained(Paths(small_study), run.run_id)
    edit(small_study / "study.toml", "[training]", '[factors]\npca = ["off", "2"]\n\n[training]')
    later = read_study(small_study)
    prepared = prepare(later, workers=1)
    story.launch(later, prepared, [run], InProcess(later), lambda progress, report: None)
    assert read_trained(Paths(small_study), run.run_id) == trained
    found, faults = read_results(Paths(small_study), expected_results(later, [run], prepared.target_fingerprints))
    assert not faults and set(found["factor.pca"]) == {"off", "2"}
    assert found.groupby("target")["factor.pca"].nunique().tolist() == [2, 2, 2]
    before, _ = read_results(Paths(small_study), expected_results(study, [run], prepare(study).target_fingerprints))
    key = ["target", "repeat", "fold", "metric"]
    both = before.merge(found[found["factor.pca"] == "off"], on=key, suffixes=("", "_later"))
    assert len(both) == len(before)
    np.testing.assert_array_equal(both["score"], both["score_later"])


def test_levels_have_one_order_and_settings_begin_with_the_reference() -> None:
    assert EVALUATION_FACTORS["transfer"].in_order(["scratch", "frozen"]) == ("frozen", "scratch")
    assert EVALUATION_FACTORS["pca"].in_order(["512", "64", "off"]) == ("off", "64", "512")
    each = crossed(("frozen", "fine-tune"), ("mlp", "svm"), ("off", "8"), ("representation",))
    assert each[0] == Setting("frozen", "mlp", "off", "representation") and len(each) == len(set(each)) == 5
    assert [setting.label(each[0]) for setting in each] == ["", "8", "svm", "svm.8", "fine-tune"]


FOUR = '[factors]\nreadout = ["representation", {}]\n'


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ('[factors]\nprobe = ["mlp", "svn"]\n', "expected one of mlp, logistic, knn, svm; did you mean 'svm'"),
        ('[factors]\nprobe = ["mlp", "svm"]\n', "[targets.timbre] probe = 'knn': has no effect, since [factors] probe"),
        ('[factors]\npca = [0, 512]\n', "[factors] pca = 0: expected \"off\" or a number of components as text"),
        ('[factors]\npca = ["64", "512"]\n', '"off" is missing'),
        ('[factors]\ntransfer = ["scratch", "fine-tune"]\n', '"frozen" is missing'),
        (FOUR.format('"conv9"'), 'backbone "base" has the stages representation, conv1, conv2, conv3'),
        (FOUR.format('"conv3:median"'), 'expected "representation" or stages with statistics'),
        ('[factors]\nbackbone = ["base", "lstm"]\nreadout = ["representation", "conv61"]\n', 'backbone "lstm" has the'),
        ('[factors]\nprobe = ["mlp", "svm"]\n[fine_tuning]\nepochs = 3\n', "has no effect without [factors] transfer"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_study_file(tmp_path: Path, new: str, expected: str) -> None:
    assert expected in faults_of(tmp_path, new)


def test_factors_of_a_function_may_have_these_names(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        'schema = 1\n[study]\nname = "f"\nseed = 1\n[run]\nfunction = "a:b"\n[factors]\nprobe = ["linear", "tree"]\n'
        'pca = [8, 16]\n[targets.t]\ntask = "score"\nmetrics = ["accuracy"]\n'
    )
    study = read_study(tmp_path)
    assert list(study.further_factors) == ["probe", "pca"] and not study.evaluation_factors
