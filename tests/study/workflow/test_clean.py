"""`study clean --stale` removes what no plan uses, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import study
from jobs.preparation import prepare
from jobs.prepared_data import read_prepared
from study.cli import app
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.reading import read_study
from study.core.study_file import Study
from study.workflow.analysis import own_results
from study.workflow.clean import stale_files


@pytest.fixture
def copy(run_study: Path, tmp_path: Path) -> Study:
    return read_study(shutil.copytree(run_study, tmp_path / "study"))


def names(of: Study) -> set[str]:
    return {str(one.path.relative_to(of.store)) for one in stale_files(of)}


def test_nothing_is_stale_after_a_sweep(copy: Study) -> None:
    assert names(copy) == set()
    (Paths(copy.store).runs / "of-another-plan").mkdir()
    assert study.open(copy.store).clean(remove=True)["path"].tolist() == ["runs/of-another-plan"]
    assert names(copy) == set() and study.open(copy.store).clean().empty


def test_what_no_plan_uses_is_listed_and_removed(copy: Study) -> None:
    paths, before = Paths(copy.store), own_results(copy)
    plan = read_plan(paths.plan, copy)
    write_plan(paths.plan, copy, plan[:-1], lambda run: None)
    gone = plan[-1].run_id
    label = next(paths.prepared.glob("labels/pitch*.npz"))
    shutil.copyfile(label, label.with_name(f"pitch-{'0' * 16}.npz"))
    shutil.copytree(next(path for path in (paths.prepared / "sound").iterdir() if path.is_dir()),
                    paths.prepared / "sound" / ("0" * 16))  # fmt: skip
    result = next((paths.results / plan[0].run_id).glob("timbre*"))
    shutil.copyfile(result, result.with_name(f"timbre-{'0' * 16}.parquet"))
    shutil.copyfile(result, result.with_suffix(".invalid"))
    weights = paths.weights(plan[0].run_id)
    shutil.copyfile(weights, weights.with_name(f"{weights.name}.damaged"))
    stale = {
        f"runs/{gone}", f"results/{gone}", f"prepared/labels/pitch-{'0' * 16}.npz", f"prepared/sound/{'0' * 16}",
        f"results/{plan[0].run_id}/timbre-{'0' * 16}.parquet", f"results/{plan[0].run_id}/{result.stem}.invalid",
        f"runs/{plan[0].run_id}/weights.safetensors.damaged",
    }  # fmt: skip
    assert names(copy) == stale
    listed = study.open(copy.store).clean()
    assert set(listed["path"]) == stale and listed["n_bytes"].gt(0).all() and names(copy) == stale
    asked = CliRunner().invoke(app, ["clean", "--stale", str(copy.store)], input="n\n")
    assert asked.exit_code == 0 and names(copy) == stale
    assert all(name in asked.output for name in stale) and "a run outside the plan" in asked.output
    assert CliRunner().invoke(app, ["clean", "--stale", str(copy.store)]).exit_code == 0, "nobody answers"
    assert names(copy) == stale
    assert CliRunner().invoke(app, ["clean", "--stale", str(copy.store)], input="y\n").exit_code == 0
    assert names(copy) == set()
    pd.testing.assert_frame_equal(own_results(copy), before[before["run_id"] != gone].reset_index(drop=True))
    assert read_prepared(copy) == prepare(copy), "and nothing has to be prepared again"


def test_without_a_plan_or_prepared_data_one_cannot_say(copy: Study) -> None:
    Paths(copy.store).plan.rename(copy.store / "elsewhere.parquet")
    with pytest.raises(InputFaults, match="no plan yet"):
        stale_files(copy)
    (copy.store / "elsewhere.parquet").rename(Paths(copy.store).plan)
    (copy.store / "prepared" / "prepared.json").unlink()
    with pytest.raises(InputFaults, match="not prepared yet"):
        stale_files(copy)


def test_the_option_is_needed(copy: Study) -> None:
    assert isinstance(CliRunner().invoke(app, ["clean", str(copy.store)]).exception, InputFaults)
