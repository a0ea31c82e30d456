import os
from pathlib import Path

import numpy as np
import pytest

from design.budget import Hours, read_budget
from design.generate import generate
from design.information import model_columns
from design.phases import sequential_phases
from study.core.errors import InputFaults
from study.core.run import Run
from tests.design.spaces import write_study


def cost(run: Run) -> float:
    return 0.5 * run.n_sources


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, None), ("352", 352), ("400gpuh", Hours(400, "GPU-hours")), ("0.5cpuh", Hours(0.5, "CPU-hours"))],
)
def test_budgets_are_read(tmp_path: Path, text, expected):
    assert read_budget(text, write_study(tmp_path)) == expected


def test_days_are_of_all_the_clusters_gpus_or_else_of_this_machines_cpus(tmp_path: Path, monkeypatch):
    study = write_study(tmp_path / "with", factors="[cluster]\ngpus = 8")
    assert read_budget("2.5d", study) == Hours(480, "GPU-hours")
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    assert read_budget("2.5d", write_study(tmp_path / "without")) == Hours(960, "CPU-hours")


@pytest.mark.parametrize("text", ["-3", "12 h", "400 gpuh", "gpuh", "1e3", "five", "3cpu", "cpuh", "d"])
def test_other_budgets_are_faults(tmp_path: Path, text: str):
    with pytest.raises(InputFaults, match="expected 40, 3cpuh, 400gpuh or 5d"):
        read_budget(text, write_study(tmp_path))


def test_the_plan_costs_no_more_than_the_budget_and_nearly_all_of_it(tmp_path: Path):
    study = write_study(tmp_path)
    plan = generate(study, Hours(300, "GPU-hours"), cost=cost)
    assert 300 - 4 < sum(map(cost, plan)) <= 300
    assert plan[:73] == generate(study, 0)
    more = generate(study, Hours(400, "GPU-hours"), cost=cost)
    assert more[: len(plan)] == plan


def test_what_finished_is_paid_first(tmp_path: Path):
    study = write_study(tmp_path)
    plan = generate(study, Hours(300, "GPU-hours"), cost=cost)
    assert generate(study, Hours(300, "GPU-hours"), finished=plan[:100], cost=cost) == plan


def test_the_money_buys_more_information_than_the_same_money_spent_by_count(tmp_path: Path):
    study = write_study(tmp_path)
    candidates = sequential_phases(study)[0].candidates

    def log_det(runs: list[Run]) -> float:
        columns = model_columns(candidates.factors, candidates.codes_of(runs[73:]))
        return float(np.linalg.slogdet(columns.T @ columns)[1])

    for hours in (300, 500):
        bought = generate(study, Hours(hours, "GPU-hours"), cost=cost)
        by_count = generate(study, 352)
        while sum(map(cost, by_count)) > hours:
            by_count.pop()
        assert log_det(bought) > log_det(by_count)


def test_the_rate_decides_where_a_plan_is_cut_and_never_its_order(tmp_path: Path):
    study = write_study(tmp_path)
    slow = {"MSS-CR": 7.0, "MS-CR@2": 0.2}
    plans = [
        generate(study, Hours(hours, "CPU-hours"), cost=lambda run, of=of: of.get(run.strategy, 1.0) * cost(run))
        for hours, of in ((300, {}), (1000, slow))
    ]
    assert len({len(plan) for plan in plans}) == 2
    shorter, longer = sorted(plans, key=len)
    assert longer[: len(shorter)] == shorter


def test_a_budget_too_small_for_the_fixed_phases_says_what_they_need(tmp_path: Path):
    with pytest.raises(InputFaults, match="the 73 runs of factorial phases and finished runs need 124 GPU-hours"):
        generate(write_study(tmp_path), Hours(100, "GPU-hours"), cost=cost)


def test_unknown_costs_are_a_fault(tmp_path: Path):
    with pytest.raises(InputFaults, match="cannot be estimated before"):
        generate(write_study(tmp_path), Hours(100, "GPU-hours"))
