from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from design.generate import generate, next_run
from study.core.errors import InputFaults
from study.core.run import make_run
from study.core.study_file import Study
from tests.design.spaces import PAPER_PHASES, write_study

SMALL = PAPER_PHASES.replace("[8]", "[4]").replace("to = 7", "to = 3").replace("repeats = 6", "repeats = 2")
FIXED = 8 + 25
CRITERIA = ("anytime", "balance-alias", "D", "A", "I")


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return write_study(tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    """A study of four sources and 50 sequential candidates for each criterion."""
    folder = tmp_path_factory.mktemp("small")
    return {name: write_study(folder / name, SMALL.replace("anytime", name), sources=4) for name in CRITERIA}


def test_the_papers_plan(paper: Study):
    runs = generate(paper, 352)
    assert Counter(run.phase for run in runs) == {"single": 48, "all": 25, "sequential": 352}
    assert [run.phase for run in runs] == ["single"] * 48 + ["all"] * 25 + ["sequential"] * 352
    assert Counter(run.replicate for run in runs[:48]) == dict.fromkeys(range(6), 8)
    assert len({run.run_id for run in runs}) == 425


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_first_k_of_a_plan_of_n_are_the_plan_of_k(small: dict[str, Study], criterion: str):
    whole = generate(small[criterion], 50)
    assert len({run.run_id for run in whole}) == len(whole) == FIXED + 50
    for budget in (0, 1, 17, 49):
        assert generate(small[criterion], budget) == whole[: FIXED + budget]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_planning_on_from_what_was_planned_changes_nothing(small: dict[str, Study], criterion: str):
    whole = generate(small[criterion], 40)
    assert generate(small[criterion], 40, finished=whole[: FIXED + 17]) == whole


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.randoms(use_true_random=False))
def test_whatever_finished_is_kept_in_its_order_and_what_failed_is_replaced(small: dict[str, Study], order):
    study = small["anytime"]
    whole = generate(study, 30)
    sequential = whole[FIXED:]
    order.shuffle(sequential)
    finished, failed = sequential[:20], sequential[20:24]
    on = generate(study, 30, finished=[*whole[:FIXED], *finished], failed=failed)
    assert on[FIXED : FIXED + 20] == finished
    assert len(on) == FIXED + 30
    ids = [run.run_id for run in on]
    assert len(set(ids)) == len(ids)
    assert not {run.run_id for run in failed} & set(ids)


def test_more_has_finished_than_the_budget_is_kept(small: dict[str, Study]):
    whole = generate(small["anytime"], 20)
    assert generate(small["anytime"], 5, finished=whole) == whole


def test_constraints_are_kept(tmp_path: Path):
    forbid = '\n[[design.constraint]]\nforbid = { strategy = "MSS-CR", sources = ["self", "bpm"] }'
    for run in generate(write_study(tmp_path, SMALL + forbid, sources=4), 40):
        assert not (run.strategy == "MSS-CR" and {"self", "bpm"} <= set(run.sources))


def test_a_budget_beyond_the_candidates_says_how_many_there_are(paper: Study):
    with pytest.raises(InputFaults, match="the sequential phases have 1,230 possible runs") as error:
        generate(paper, 1231)
    assert error.value.faults[0].key == "--budget"
    with pytest.raises(InputFaults, match=r"--budget: missing: .* 1,230"):
        generate(paper, None)


def test_without_a_sequential_phase_there_is_nothing_to_spend_a_budget_on(tmp_path: Path):
    study = write_study(tmp_path, PAPER_PHASES[: PAPER_PHASES.index('[[design.phase]]\nname = "sequential"')])
    assert len(generate(study, None)) == 73
    with pytest.raises(InputFaults, match="no sequential phase; leave the budget out"):
        generate(study, 10)


def test_no_combination_is_in_two_phases(tmp_path: Path):
    overlapping = SMALL.replace("[4]", "[3]")  # the sequential phase has n = 2 and 3
    study = write_study(tmp_path, overlapping, sources=4)
    runs = generate(study, 30)
    assert Counter(run.phase for run in runs) == {"single": 8, "all": 5 * 4 * 5, "sequential": 30}
    everywhere, chosen = ({(r.strategy, r.sources) for r in runs if r.phase == name} for name in ("all", "sequential"))
    assert not everywhere & chosen
    with pytest.raises(InputFaults, match="30 possible runs"):
        generate(study, 31)


def test_sequential_phases_take_turns(tmp_path: Path):
    second = '\n[[design.phase]]\nname = "more"\nstrategy = ["SS-R"]\nn_sources = [1]\ncriterion = "D"'
    phases = SMALL[SMALL.index('[[design.phase]]\nname = "sequential"') :] + second
    study = write_study(tmp_path, phases, sources=4)
    found = [run.phase for run in generate(study, 12)]
    assert found == ["sequential", "more"] * 4 + ["sequential"] * 4  # SS-R has no fifth run


def test_runs_of_an_unknown_phase_or_level_are_named(small: dict[str, Study]):
    study = small["anytime"]
    with pytest.raises(InputFaults, match="did you mean 'sequential'"):
        generate(study, 10, finished=[make_run(study, "sequental", 0, "MSS-CR", ("self", "bpm"))])
    with pytest.raises(InputFaults, match="strategy = 'SS-R'"):
        generate(study, 10, finished=[make_run(study, "sequential", 0, "SS-R", ("self",))])


def test_a_balance_for_a_criterion_that_has_none_is_a_fault(tmp_path: Path):
    study = write_study(tmp_path, SMALL.replace('"anytime"', '"D"\nbalance = ["strategy"]'), sources=4)
    with pytest.raises(InputFaults, match="does not balance"):
        generate(study, 10)


def test_while_time_allows_the_next_run_is_the_plans(small: dict[str, Study]):
    study = small["anytime"]
    whole = generate(study, 50)
    for done in (0, 5, FIXED, 60):
        assert next_run(study, whole[:done]) == whole[done]
    assert next_run(study, whole) is None
    assert next_run(study, whole[:FIXED], failed=[whole[FIXED]]) not in whole[: FIXED + 1]


def test_another_seed_is_another_plan(small: dict[str, Study], tmp_path: Path):
    other = write_study(tmp_path, SMALL, sources=4, seed=1)
    plans = [[(r.strategy, r.sources) for r in generate(study, 20)[FIXED:]] for study in (small["anytime"], other)]
    assert plans[0] != plans[1]


def test_the_plan_of_a_seed_stays_what_it_is(small: dict[str, Study]):
    """Golden: a change here changes every user's plan, and belongs in the changelog."""
    runs = generate(small["anytime"], 6)[FIXED:]
    assert [(run.strategy, *run.sources) for run in runs] == [
        ("MS-CR@4", "self", "year"),
        ("MS-SR@FC", "self", "bpm", "year"),
        ("MS-CR@6", "bpm", "taste"),
        ("MSS-CR", "self", "bpm", "taste"),
        ("MS-CR@2", "year", "taste"),
        ("MS-CR@6", "self", "year", "taste"),
    ]
