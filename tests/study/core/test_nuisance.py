"""Nuisance factors: spread over the runs, no part of them, and kept once assigned."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from design.generate import generate
from study.core.errors import InputFaults
from study.core.nuisance import assigned, largest_correlation
from study.core.plan import read_plan, write_plan
from tests.design.spaces import PAPER_PHASES, write_study

GPUS = 'gpu_type = ["A100", "H100"]\nbatch = ["a", "b", "c"]\n'
NAMED = PAPER_PHASES + 'nuisance = ["gpu_type", "batch"]\n'


def test_levels_are_spread_and_the_runs_stay_the_same(tmp_path: Path):
    plain, study = write_study(tmp_path / "plain"), write_study(tmp_path, NAMED, factors=GPUS)
    runs = generate(study, 120)
    assert [run.run_id for run in runs] == [run.run_id for run in generate(plain, 120)]
    given = assigned(study, runs)
    found = pd.DataFrame(given)
    sequential = [run.phase == "sequential" for run in runs]
    assert found[sequential].notna().all(axis=None) and found[[not each for each in sequential]].isna().all(axis=None)
    for k in (20, 60, 120):
        counts = found[sequential].iloc[:k].apply(lambda column: column.value_counts())
        assert (counts.max() - counts.min() <= 2).all()
    # each at random would reach about 0.25 somewhere among 26 correlations
    assert largest_correlation(study, runs, [row["gpu_type"] for row in given]) < 0.1
    assert largest_correlation(study, runs, [row["batch"] for row in given]) < 0.16
    table = pd.crosstab(found.gpu_type, found.batch)
    assert table.max(axis=None) - table.min(axis=None) <= 4


def test_what_is_assigned_stays_when_a_plan_goes_on_without_some_runs(tmp_path: Path):
    study = write_study(tmp_path, NAMED, factors=GPUS)
    path, runs = tmp_path / "plan.parquet", generate(study, 40)
    write_plan(path, study, runs, lambda run: None)
    before = pd.read_parquet(path).set_index("run_id")[["nuisance.gpu_type", "nuisance.batch"]]
    kept = [run for number, run in enumerate(runs) if number % 7]
    write_plan(path, study, generate(study, 50, kept, runs[::7]), lambda run: None)
    after = pd.read_parquet(path).set_index("run_id")
    ids = [run.run_id for run in kept]
    pd.testing.assert_frame_equal(after.loc[ids, list(before)], before.loc[ids])
    assert read_plan(path, study)[0].run_id == ids[0]


@pytest.mark.parametrize(("name", "hint"), [("gpu_typ", "did you mean 'gpu_type'"), ("width", "neither on training")])
def test_only_what_acts_on_nothing_is_a_nuisance(tmp_path: Path, name: str, hint: str):
    with pytest.raises(InputFaults, match=hint):
        write_study(tmp_path, PAPER_PHASES + f'nuisance = ["{name}"]\n', factors=GPUS + "width = [0.5, 1.0]")


def test_a_formula_may_name_nuisance_factors_and_recorded_conditions(tmp_path: Path):
    model = '[[analysis.model]]\nname = "blocks"\nformula = "score ~ {} + (1 | target)"\n'
    phases = NAMED + model.format("gpu_type + nuisance.batch + device + threads")
    assert write_study(tmp_path / "named", phases, factors=GPUS).analysis.model[0].name == "blocks"
    with pytest.raises(InputFaults, match="did you mean 'gpu_type'"):
        write_study(tmp_path / "wrong", NAMED + model.format("gpu_typ"), factors=GPUS)
    contrast = '[[analysis.contrast]]\nmodel = "strategy"\nname = "c"\nweights = { "factor.gpu_type[H100]" = 1 }\n'
    with pytest.raises(InputFaults, match="no such term"):  # the named models are of effects of interest
        write_study(tmp_path / "contrast", NAMED + contrast, factors=GPUS)
    for name in ("gpu_type", "device"):
        with pytest.raises(InputFaults, match="no such variable"):  # a design chooses neither
            write_study(tmp_path / name, NAMED + f'model = "strategy + {name}"\n', factors=GPUS)
