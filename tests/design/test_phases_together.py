"""Sequential phases that could have the same runs, and shares of a budget."""

from collections import Counter
from pathlib import Path

import pytest

from design.generate import generate, next_run
from design.phases import n_possible, sequential_phases
from study.core.errors import InputFaults
from tests.design.spaces import write_study

ONE = """
[[design.phase]]
name = "one"
strategy = ["MS-SR@FC", "MSS-CR"]
n_sources = [2, 3]
criterion = "anytime"
"""
TWO = ONE.replace('"one"', '"two"').replace("anytime", "D")


def test_a_phase_loses_only_what_the_other_plans(tmp_path: Path):
    study = write_study(tmp_path, ONE + TWO, sources=4)
    phases = sequential_phases(study)
    assert n_possible(phases) == 20
    runs = generate(study, 20)
    assert Counter(run.phase for run in runs) == {"one": 10, "two": 10}
    assert len({run.run_id for run in runs}) == 20
    assert generate(study, 7) == runs[:7]
    assert sorted(run.run_id for run in generate(study, 20, finished=runs[:7])) == sorted(run.run_id for run in runs)
    assert next_run(study, runs[:7]) == runs[7]


def test_what_one_phase_has_run_is_no_candidate_of_the_other(tmp_path: Path):
    study = write_study(tmp_path, ONE + TWO, sources=4)
    runs = generate(study, 12)
    phases = sequential_phases(study, [run for run in runs if run.phase == "one"])
    assert [int(phase.open.sum()) for phase in phases] == [14, 14]


def test_shares_divide_a_budget(tmp_path: Path):
    study = write_study(tmp_path, ONE + "share = 3.0\n" + TWO, sources=4)
    assert Counter(run.phase for run in generate(study, 16)) == {"one": 12, "two": 4}


def test_a_phase_that_gets_nothing_is_a_fault(tmp_path: Path):
    study = write_study(tmp_path / "budget", ONE + TWO, sources=4)
    with pytest.raises(InputFaults, match="--budget = 1: phase two gets no run"):
        generate(study, 1)
    everything = ONE.replace('"one"', '"all"').replace('criterion = "anytime"\n', "")
    with pytest.raises(InputFaults, match="two: the factorial phases have all of its combinations"):
        generate(write_study(tmp_path / "all", everything + TWO, sources=4), 3)


def test_a_factor_of_many_levels_is_planned(tmp_path: Path):
    """258 levels in 8 bits came back as 2, and an endless phase."""
    levels = ", ".join(f'"seed{n}"' for n in range(258))
    study = write_study(tmp_path, ONE.replace("[2, 3]", "[2]"), sources=2, factors=f"augmentation = [{levels}]")
    runs = generate(study, 258)
    assert len({run.run_id for run in runs}) == 258
    assert len({run.factors["augmentation"] for run in runs}) == 258
