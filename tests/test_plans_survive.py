"""Plans under faults: nothing is overwritten, nothing that failed comes back, nothing ends in a traceback."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from jobs.failures import DISK_FULL, ERROR, Failure
from jobs.records import begin_attempt, end_open_attempt, write_attempt
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.workflow.plan import design_study
from tests.design.random_studies import BUDGETS, write_random_study
from tests.design.spaces import PAPER_PHASES, write_study
from tests.test_bad_input import edit, study

SEQUENTIAL = PAPER_PHASES[PAPER_PHASES.rindex("[[design.phase]]") :].replace("to = 7", "to = 3")


@pytest.fixture(autouse=True)
def no_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are not rendered and no studies simulated, which is nine tenths of the time."""
    monkeypatch.setattr("design.page.png", lambda figure: b"")
    monkeypatch.setattr("study.workflow.plan.smallest_effects", lambda *_: {})


def fail(folder: Path, run_id: str, cause: str = ERROR) -> None:
    paths = Paths(folder)
    write_attempt(paths, run_id, begin_attempt(paths, run_id, "learn", ()))
    end_open_attempt(paths, run_id, "learn", (), Failure(cause, "it did"))


def test_a_budget_of_nothing_leaves_the_old_plan(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_study(tmp_path, SEQUENTIAL, sources=4)
    assert study(capfd, "design", str(tmp_path), "--budget", "9")[0] == 0
    before = (tmp_path / "plan.parquet").read_bytes()
    for budget in ("0", "²", "9" * 5000, "1e999d"):
        status, _, err = study(capfd, "design", str(tmp_path), "--budget", budget)
        assert status == 2 and "--budget" in err, err
    assert (tmp_path / "plan.parquet").read_bytes() == before


def test_a_fault_of_the_page_leaves_the_old_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = write_study(tmp_path, SEQUENTIAL, sources=4)
    design_study(given, "9")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def broken(*_: object) -> None:
        raise RuntimeError("a fault of the page")

    monkeypatch.setattr("design.page.diagnose", broken)
    with pytest.raises(RuntimeError):
        design_study(given, "12")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_failed_runs_never_come_back_unasked(tmp_path: Path) -> None:
    given = write_study(tmp_path, SEQUENTIAL, sources=4)
    paths, failed = Paths(tmp_path), set()
    design_study(given, "10")
    draw = random.Random(3)
    for _ in range(5):
        for run in draw.sample(read_plan(paths.plan, given), 2):
            failed.add(run.run_id)
            fail(tmp_path, run.run_id)
        found = design_study(given, "10", append=True)
        ids = [run.run_id for run in read_plan(paths.plan, given)]
        assert len(set(ids)) == 10 and not failed & set(ids)
        assert found["failed"] == len(failed)
    design_study(given, "10")
    assert not failed & {run.run_id for run in read_plan(paths.plan, given)}, "nor in a plan made anew"
    everything = len(read_plan(paths.plan, given)) + len(failed)
    design_study(given, "50", append=True, retry_failed=True)
    assert failed <= {run.run_id for run in read_plan(paths.plan, given)} and everything == 20


def test_a_full_disk_is_no_fault_of_the_run(tmp_path: Path) -> None:
    given = write_study(tmp_path, SEQUENTIAL, sources=4)
    design_study(given, "10")
    before = read_plan(Paths(tmp_path).plan, given)
    fail(tmp_path, before[0].run_id, DISK_FULL)
    assert design_study(given, "10", append=True)["failed"] == 0
    assert read_plan(Paths(tmp_path).plan, given) == before


def test_a_plan_with_results_is_replaced_only_when_asked(
    run_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(run_study, tmp_path / "copy"))
    before = (folder / "plan.parquet").read_bytes()
    status, _, err = study(capfd, "design", str(folder), "--budget", "2")
    assert status == 2 and "runs have results; --append plans on" in err and "--replace" in err
    assert (folder / "plan.parquet").read_bytes() == before
    assert study(capfd, "design", str(folder), "--budget", "2", "--append", "--replace")[0] == 2
    assert study(capfd, "design", str(folder), "--budget", "2", "--replace")[0] == 0
    assert (folder / "plan.parquet").read_bytes() != before


@pytest.mark.parametrize("named", [[], ["--absent", "tag"]])
def test_a_source_is_added_to_a_running_study(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], named: list[str]
) -> None:
    given = write_study(tmp_path, SEQUENTIAL, sources=4)
    design_study(given, "10")
    before = [run.run_id for run in read_plan(Paths(tmp_path).plan, given)]
    edit(tmp_path / "study.toml", "[factors]", '[sources.tag]\nlabels = "gmm"\ntable = "tag.csv"\n[factors]')
    status, _, err = study(capfd, "design", str(tmp_path), "--budget", "20", "--append", "--absent", "tga")
    assert status == 2 and "did you mean 'tag'" in err
    assert study(capfd, "design", str(tmp_path), "--budget", "20", "--append", *named)[0] == 0
    runs = read_plan(Paths(tmp_path).plan, read_study(tmp_path))
    assert [run.run_id for run in runs[:10]] == before and any("tag" in run.sources for run in runs[10:])


def test_a_budget_that_buys_everything_says_so(tmp_path: Path) -> None:
    given = write_study(tmp_path, SEQUENTIAL, sources=3)
    assert "the budget buys all 20 possible runs of the sequential phases" in design_study(given, "20")["notes"]
    assert not [note for note in design_study(given, "19")["notes"] if "buys" in note]


@pytest.mark.parametrize("seed", range(2))
def test_random_studies_and_budgets(tmp_path: Path, capfd: pytest.CaptureFixture[str], seed: int) -> None:
    """Exit status 0 or 2, never a traceback, and on a fault the old plan stays. benchmarks/design_fuzz.py has 200."""
    draw = random.Random(seed)
    for number in range(5):
        folder = tmp_path / str(number)
        write_random_study(folder, draw)
        before = None
        for budget in draw.sample(BUDGETS, 2):
            status, _, err = study(capfd, "design", str(folder), "--budget", budget)
            plan = folder / "plan.parquet"
            assert status in (0, 2), err
            if status == 2:
                assert (plan.read_bytes() if plan.exists() else None) == before, budget
            else:
                before = plan.read_bytes()
                read_plan(plan, read_study(folder))
