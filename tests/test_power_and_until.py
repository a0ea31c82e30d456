"""`study power`, and `--until` of launch and analyze, as a user types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.fitted_model import Model
from analysis.planning.precision import first_fit
from analysis.results_table import results_table
from study.core.coding import first_model
from study.core.paths import Paths
from study.core.reading import read_study
from study.workflow.analysis import own_results
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from study.workflow.status import study_status
from study.workflow.stopping import on_precision, read_looks, read_until
from tests.test_bad_input import study


def test_power_of_a_plan_without_data(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = study(capfd, "power", str(small_study))
    assert status == 2 and "no plan yet; give --runs N,N,..." in err
    design_study(read_study(small_study), "6")
    words = ["--runs", "0,6,10", "--targets", "3,9", "--simulations", "20", "--effect", "MS-CR@2=1"]
    assert study(capfd, "power", str(small_study), *words)[0] == 2
    words[-1] = "strategy[MS-CR@2]:n_star=3"
    status, out, err = study(capfd, "power", str(small_study), *words, "--json")
    told = json.loads(out)
    assert status == 0 and "20 of 20 studies simulated" in err
    cells = {(cell["n_runs"], cell["n_targets"]): cell for cell in told["cells"]}
    assert sorted(cells) == [(0, 3), (0, 9), (6, 3), (6, 9), (10, 3), (10, 9)]
    assert cells[10, 3]["n_runs_in_all"] == 21 and cells[0, 3]["power"][0]["power"] is None
    slope = next(row for row in cells[10, 9]["power"] if row["effect"] == "strategy[MS-CR@2]:n_star")
    assert slope["value"] == 3.0 and 0 <= slope["power_low"] <= slope["power"] <= slope["power_high"] <= 1
    table = pd.read_csv(Paths(small_study).power / "power.csv")
    assert len(table) == 6 * (5 + 15) and (Paths(small_study).power / "power.svg").stat().st_size > 10_000
    words[1:4:2] = ["10", "4"]
    told = study(capfd, "power", str(small_study), *words)[1]
    assert "4 targets" in told and "failed fits" in told and "except strategy[MS-CR@2]:n_star=3" in told
    assert len(pd.read_parquet(Paths(small_study).plan)) == 17, "planned on for the answer only"


@pytest.mark.parametrize(("words", "told"), [
    (["--runs", "12,many"], "--runs = '12,many': expected whole numbers of 0 or more"),
    (["--runs", "99"], "--runs = 99: the sequential phases have 15 possible runs"),
    (["--targets", "1"], "--targets = '1': expected whole numbers of 2 or more"),
    (["--runs", "5", "--sd", "resid=1"], "did you mean 'residual'?"),
    (["--runs", "5", "--fitted"], "`study analyze` writes it"),
])  # fmt: skip
def test_bad_usage_of_power(small_study: Path, capfd: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    status, _, err = study(capfd, "power", str(small_study), *words)
    assert status == 2 and told in err, err


def test_all_that_is_wrong_with_power_is_told_at_once(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    terms = ["--sd", "foo=1", "--effect", "bar=2"]
    status, _, err = study(capfd, "power", str(small_study), "--runs", "5", "--targets", "0", *terms)
    assert status == 2 and all(key in err for key in ("--targets = '0'", "--sd = 'foo'", "--effect = 'bar'")), err
    design_study(read_study(small_study), "6")
    status, _, err = study(capfd, "power", str(small_study), "--runs", "-3", "--targets", "0", *terms)
    told = ("--runs = '-3'", "--targets = '0'", "--sd = 'foo'", "--effect = 'bar'")
    assert status == 2 and all(key in err for key in told), err
    status, _, err = study(capfd, "power", str(small_study), "--runs", "99", *terms)
    assert status == 2 and all(key in err for key in ("--runs = 99", "--sd = 'foo'", "--effect = 'bar'")), err


def test_a_sweep_stops_when_intervals_are_narrow_and_goes_on_when_asked(
    run_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(run_study, tmp_path / "copy"))
    given = read_study(folder)
    design_study(given, "7", append=True)
    status, _, err = study(capfd, "launch", str(folder), "--in-process", "--until", "nstar < 1")
    assert status == 2 and "did you mean 'n_star'?" in err

    status, _, err = study(capfd, "launch", str(folder), "--in-process", "--until", "n_star < 100")
    assert status == 0 and "n_star < 100 is reached" in err and "left for another launch" in err
    done = study_status(given)["done"]
    assert 18 < done < 21 == study_status(given)["planned"]
    looks = read_looks(given)
    assert [look["reached"] for look in looks] == [False] * (len(looks) - 1) + [True]

    status, _, err = study(capfd, "launch", str(folder), "--in-process", "--until", "n_star < 100")
    assert status == 0 and f"{done} of 21 runs done" in err and study_status(given)["done"] == done
    assert read_looks(given) == [*looks[:-1], read_looks(given)[-1]], "the same runs looked at again are one look"

    table = results_table(own_results(given), {"timbre": "accuracy", "height": "r2", "plays": "ndcg@10"}, None)
    model = Model("strategy", first_model(table.scores), (), fit=first_fit(table, {}))
    on_looks, on_rule, on_floor = on_precision(given, read_until(given, "n_star < 0.01"), model, table)
    assert f"checked {len(looks)} times whether to stop (n_star < 100): reached" in on_looks
    assert "n_star < 0.01 is not reached" in on_rule and "More runs alone cannot reach it" in on_floor

    launch_study(given, LaunchOptions(in_process=True))
    assert study_status(given)["done"] == 21
