"""A part of the sequential runs repeated with new seeds."""

from collections import Counter
from pathlib import Path

import pytest

from design.generate import generate
from design.phases import n_possible, sequential_phases
from study.core.errors import InputFaults
from tests.design.spaces import PAPER_PHASES, write_study

SMALL = PAPER_PHASES[PAPER_PHASES.rindex("[[design.phase]]") :].replace("to = 7", "to = 3")


def combination(run):
    return run.strategy, run.sources


def test_a_fifth_of_the_runs_repeats_the_plans_beginning(tmp_path: Path):
    study = write_study(tmp_path, SMALL + "repeat_share = 0.2", sources=4)
    runs = generate(study, 40)
    first, again = ([run for run in runs if (run.replicate > 0) == repeated] for repeated in (False, True))
    assert len(again) == 8 and len({run.run_id for run in runs}) == 40
    assert [combination(run) for run in again] == [combination(run) for run in first[:8]]
    assert [combination(run) for run in first] == [
        combination(run) for run in generate(write_study(tmp_path / "none", SMALL, sources=4), 32)
    ]


def test_a_plan_with_repeats_is_extended_as_it_would_have_been_made(tmp_path: Path):
    study = write_study(tmp_path, SMALL + "repeat_share = 0.25", sources=4)
    whole = generate(study, 30)
    assert generate(study, 13) == whole[:13]
    assert generate(study, 30, finished=whole[:13]) == whole


def test_a_repeat_that_failed_is_not_planned_again_and_its_combination_stays(tmp_path: Path):
    study = write_study(tmp_path, SMALL + "repeat_share = 0.2", sources=4)
    runs = generate(study, 20)
    failed = next(run for run in runs if run.replicate)
    on = generate(study, 20, finished=[run for run in runs if run != failed], failed=[failed])
    assert failed.run_id not in {run.run_id for run in on} and len(on) == 20
    assert max(Counter(map(combination, on)).values()) == 2


def test_repeats_make_more_runs_possible(tmp_path: Path):
    study = write_study(tmp_path, SMALL + "repeat_share = 0.5", sources=3)
    assert n_possible(sequential_phases(study)) == 40
    assert Counter(Counter(map(combination, generate(study, 40))).values()) == {2: 20}
    with pytest.raises(InputFaults, match="40 possible runs"):
        generate(study, 41)


def test_only_sequential_phases_have_it(tmp_path: Path):
    with pytest.raises(InputFaults, match=r"repeat_share = 0\.5: of sequential phases alone"):
        write_study(tmp_path, SMALL.replace('criterion = "anytime"', "repeat_share = 0.5"), sources=3)
