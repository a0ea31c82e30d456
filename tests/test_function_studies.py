"""A study without sound: its runs are a Python function of the user's, from `docs/functions.md`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from design.generate import generate
from jobs.function_step import scores_of
from study.core.errors import InputFaults, RunFailed
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.reading import read_study
from study.core.run import seed_sequence
from study.workflow.analysis import analyze_study, own_results
from study.workflow.check import check_folder
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from study.workflow.runs import run_detail, sorted_runs, study_runs
from study.workflow.status import study_status
from tests.killed_sweep import assert_equal_rows, kill_after

PAGE = (Path(__file__).parents[1] / "docs" / "functions.md").read_text(encoding="utf-8")
STUDY = [sys.executable, "-P", "-m", "study"]


def code_of(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return block


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's study in a folder, and its package on PYTHONPATH."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "trials.py").write_text(code_of("python"), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "code"), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(sys.modules, "trials", raising=False)
    folder = tmp_path / "mystudy"
    folder.mkdir()
    (folder / "study.toml").write_text(code_of("toml"), encoding="utf-8")
    return folder


def planned(folder: Path, *overrides: str, n_runs: int = 4):
    """The study with a plan, as `design` makes it, without its page."""
    study = read_study(folder, overrides)
    write_plan(Paths(study.store).plan, study, generate(study, n_runs), lambda run: None)
    return study


def launched(folder: Path, *overrides: str, n_runs: int = 20):
    study = planned(folder, *overrides, n_runs=n_runs)
    launch_study(study, LaunchOptions(in_process=True))
    return study


@pytest.mark.usefixtures("unrendered")
def test_the_page_from_the_file_to_the_report(trials: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.workflow.plan.N_SIMULATIONS", 5)
    checked = check_folder(trials)
    assert checked.faults == () and checked.cautions == ()
    study = read_study(trials)
    design_study(study, "20")
    launch_study(study, LaunchOptions(in_process=True))
    facts = study_status(study)
    assert (facts["done"], facts["planned"], facts["scores_done"], facts["baselines"]) == (20, 20, 60, 0)
    assert launch_study(study, LaunchOptions(in_process=True)) is None, "nothing is missing"
    table = study_runs(study)
    assert table["sources"].nunique() == 4 and table.loc[table["sources"] == "", "n_sources"].eq(0).all()
    analysis = analyze_study(study)
    told = " ".join(analysis.findings)
    assert analysis.findings[0].startswith("optimiser: adam scores higher than sgd: +"), "a planted factor"
    assert "size from 1 to 100, on a logarithmic scale, raises the score" in told
    assert "wiki: present scores higher than absent" in told
    analysis.write_report(tmp_path / "report")
    assert "optimiser" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_a_nuisance_level_is_a_column_of_the_runs_and_of_the_analysis(trials: Path) -> None:
    text = trials.joinpath("study.toml").read_text()
    text = text.replace("[factors]\n", '[factors]\nday = ["mon", "tue"]\n')
    phase = '[[design.phase]]\nname = "runs"\ncriterion = "anytime"\nnuisance = ["day"]\n'
    trials.joinpath("study.toml").write_text(text + phase)
    study = launched(trials)
    days = study_runs(study)["nuisance.day"]
    assert days.value_counts().to_dict() == {"mon": 10, "tue": 10}
    analysis = analyze_study(study, formulas=["score ~ optimiser + day + (1 | target)"])
    assert "nuisance.day[tue]" in set(analysis.models["formula-1"].fixed["term"])
    assert own_results(study).groupby("run_id")["nuisance.day"].nunique().eq(1).all()


def test_the_function_is_given_what_the_page_says(trials: Path, tmp_path: Path) -> None:
    """Its seed is the run's own, and its folder is there from one call to the next."""
    (tmp_path / "code" / "trials.py").write_text(
        "import json\n"
        "def learn(levels, sources, seed, folder):\n"
        "    calls = folder / 'calls'\n"
        "    calls.write_text(calls.read_text() + '.' if calls.exists() else '.')\n"
        "    (folder / 'given').write_text(json.dumps([levels, sources, seed]))\n"
        "    if len(calls.read_text()) < 2:\n"
        "        raise OSError('the first time')\n"
        "    rows = [('parsing', r, 0.1 * r) for r in range(3)]\n"
        "    rows += [('tagging', 0, float('nan')), ('entailment', 0, 9.0)]\n"
        "    return [{'target': t, 'metric': 'accuracy', 'score': s, 'repeat': r} for t, r, s in rows]\n"
    )
    study = planned(trials)
    with pytest.raises(RunFailed, match="4 of 4 runs failed"):
        launch_study(study, LaunchOptions(in_process=True))
    assert study_status(study)["failed_by_cause"] == {"error": 4}
    launch_study(study, LaunchOptions(in_process=True))
    for run in read_plan(Paths(study.store).plan, study):
        folder = Paths(study.store).run(run.run_id) / "function"
        seed = int(seed_sequence(run.run_id, "function").generate_state(1)[0])
        assert pd.read_json(folder / "given", typ="series").tolist() == [dict(run.factors), list(run.sources), seed]
        assert (folder / "calls").read_text() == ".."
    rows = own_results(study)
    assert rows[rows["target"] == "parsing"].groupby("run_id")["score"].mean().to_numpy() == pytest.approx(0.1)
    assert set(rows.loc[rows["target"] == "tagging", "outcome"]) == {"diverged"}
    assert set(rows.loc[rows["target"] == "entailment", "score"]) == {9.0}, "no range of accuracies is assumed"
    settings = run_detail(study, run.run_id)["settings"]
    assert (settings["function"], settings["sources"]) == ("trials:learn", list(run.sources))


def test_less_is_better_where_the_metric_ends_in_a_minus(trials: Path, tmp_path: Path) -> None:
    text = (trials / "study.toml").read_text().replace('"accuracy"', '"loss-"')
    (trials / "study.toml").write_text(text)
    (tmp_path / "code" / "trials.py").write_text(code_of("python").replace('"accuracy": skill', '"loss-": -skill'))
    study = launched(trials)
    assert analyze_study(study).findings[0].startswith("optimiser: adam scores higher than sgd: +")
    best = sorted_runs(study_runs(study), "parsing")
    assert best["score.parsing"].is_monotonic_increasing, "the smallest loss first"


def test_ids_follow_the_function_its_version_and_the_levels(trials: Path) -> None:
    changes = ((), ("study.name=b",), ("run.version=1",), ("run.function=trials:other",))
    ids = [[run.run_id for run in generate(read_study(trials, overrides), 6)] for overrides in changes]
    assert ids[0] == ids[1] and not set(ids[0]) & set(ids[2]) and not set(ids[0]) & set(ids[3])


def test_a_folder_is_never_imported_from(trials: Path, tmp_path: Path) -> None:
    """Neither the current folder nor the study's, though Python itself would: each has a module of that name."""
    planned(trials)
    for hostile in (trials, tmp_path):
        (hostile / "trials.py").write_text("import pathlib\npathlib.Path('executed').write_text('')\nlearn = print\n")
    root = str(Path(__file__).parents[1])
    for verb in (["check"], ["status"], ["launch", "--in-process"]):
        found = subprocess.run(
            [sys.executable, "-m", "study", *verb, str(trials)], cwd=tmp_path, env=os.environ | {"PYTHONPATH": root},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert not (tmp_path / "executed").exists(), verb
    assert found.returncode == 2 and "no module trials is installed or on PYTHONPATH" in found.stderr


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (("[factors]", '[training]\nepochs = 3\n[factors]\nstrategy = ["SS-R"]'), ["[factors] strategy", "[training]"]),
        (("[sources.wiki]", '[sources.wiki]\nlabels = "self"'), ["[sources.wiki] labels"]),
        (('task = "score"', 'task = "classification"'), ["[targets.parsing] task"]),
        (('metrics = ["accuracy"]', "repeats = 3"), ["[targets.parsing] metrics", "[targets.parsing] repeats"]),
        (('"trials:learn"', '"trials.learn"'), ["[run] function"]),
        (("[factors]", "[learners.a]\nsettings = { b = 1 }\n[factors]"), ["[learners]"]),
        (("[run]\n", "[runs]\n"), None),
    ],
)
def test_faults_of_the_study_file(trials: Path, change: tuple[str, str], keys: list[str] | None) -> None:
    text = (trials / "study.toml").read_text()
    assert change[0] in text
    (trials / "study.toml").write_text(text.replace(*change, 1))
    found = sorted(fault.key for fault in check_folder(trials).faults)
    if keys is None:
        assert {"[corpus]", "[runs]", "[sources.wiki] labels"} <= set(found), "without [run] it is a study of sound"
    else:
        assert found == keys


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "the function returned NoneType: expected"),
        ({"parsing": 0.5}, "lacks|not a metric"),
        ({"parsng": {"accuracy": 1}}, "'parsng' is not a target; did you mean 'parsing'"),
        ({name: {"acuracy": 1} for name in ("parsing", "tagging", "entailment")}, "did you mean 'accuracy'"),
        ({name: {"accuracy": "high"} for name in ("parsing", "tagging", "entailment")}, "is 'high'; expected a number"),
        ({"parsing": {"accuracy": 1}}, "target tagging lacks accuracy; target entailment lacks accuracy"),
        ([{"target": "parsing", "metric": "accuracy", "score": 1}] * 2, "parsing has accuracy twice"),
        ([{"target": "parsing", "metric": "accuracy", "score": 1, "fold": -1}], "expected a whole number"),
    ],
)
def test_what_a_function_may_not_return(trials: Path, returned: object, told: str) -> None:
    with pytest.raises(RunFailed, match=told):
        scores_of(read_study(trials), returned)


def test_numbers_of_any_kind_are_scores(trials: Path) -> None:
    one = {"accuracy": np.float32(0.5)}
    scores = scores_of(read_study(trials), dict.fromkeys(("parsing", "tagging", "entailment"), one))
    assert [score.score for of in scores.values() for score in of] == [0.5] * 3


def test_a_function_that_is_not_there(trials: Path) -> None:
    study = planned(trials, "run.function=trials:lern")
    with pytest.raises(InputFaults, match=r"trials has no function lern; did you mean 'learn'"):
        launch_study(study, LaunchOptions(in_process=True))


@pytest.mark.ray
def test_killed_in_the_middle_and_launched_again(trials: Path, tmp_path: Path) -> None:
    """SIGKILL to the driver on a real Ray; then the rows of an undisturbed sweep, bit for bit."""
    source = code_of("python").replace("    rng =", "    import time\n    time.sleep(0.5)\n    rng =")
    (tmp_path / "code" / "trials.py").write_text(source)
    study = planned(trials, n_runs=16)
    assert 0 < kill_after(trials, study.store, 3, tmp_path) < 48, "killed in the middle"
    (tmp_path / "code" / "trials.py").write_text(code_of("python"))
    sys.modules.pop("trials", None)
    launch_study(study, LaunchOptions(in_process=True))
    undisturbed = launched(trials, f"study.store={tmp_path / 'undisturbed'}", n_runs=16)
    assert len(assert_equal_rows(study, undisturbed)) == 48
