"""A first plan that takes minutes: strategies, phases, and as many epochs as this machine can do in that time."""

from __future__ import annotations

from dataclasses import dataclass

from study.core.run_works import training_work
from study.core.study_file import Study
from study.workflow.estimates import estimate_from, runs_on_gpu, slots_here

STRATEGIES = ("SS-R", "MS-SR@FC", "MS-CR@4", "MSS-CR")
"""Single source; then sharing all, half or none of the network between several sources."""
BUDGET = 12
"""Runs of the sequential phase; with three sources, all possible ones."""
TRAINING_S = 240.0
"""Time limit for all trainings of the plan together, in wall-clock time."""
FEWEST_EPOCHS, MOST_EPOCHS = 3, 40
CLIPS_PER_S = 150.0
"""Decoded by one core."""
PROBE_S = 1.0
"""Representing a target and probing it for one run, on one core."""
REST_S = 60.0
"""Starting up and analysing."""


@dataclass(frozen=True)
class FirstPlan:
    """`phases` as in the study file; `budget` for `study design`, None without a sequential phase."""

    strategies: tuple[str, ...]
    phases: tuple[dict[str, object], ...]
    budget: int | None


def first_plan(n_sources: int) -> FirstPlan:
    """About twenty runs: each source alone, and combinations of them under each strategy."""
    several = list(STRATEGIES[1:])
    single: dict[str, object] = {"name": "single", "strategy": ["SS-R"], "n_sources": [1]}
    if n_sources == 1:
        return FirstPlan(STRATEGIES[:1], ({**single, "repeats": 5},), None)
    if n_sources == 2:
        both: dict[str, object] = {"name": "all", "strategy": several, "n_sources": [2], "repeats": 3}
        return FirstPlan(STRATEGIES, ({**single, "repeats": 3}, both), None)
    counts = list(range(2, n_sources + 1))
    several_together: dict[str, object] = {
        "name": "sequential",
        "strategy": several,
        "n_sources": counts,
        "criterion": "anytime",
    }
    return FirstPlan(STRATEGIES, ({**single, "repeats": 2}, several_together), BUDGET)


def planned_work(study: Study, budget: int | None) -> tuple[int, float]:
    """The number of trainings in the plan, and the seconds that they take here side by side, at a step speed that is
    measured now."""
    from design.budget import read_budget
    from design.generate import generate

    runs = generate(study, read_budget(None if budget is None else str(budget), study))
    estimate = estimate_from(study, {}, bool(runs_on_gpu(study, {}, may_look=True)), may_measure=True)
    works = [training_work(estimate.model, run) for run in runs]
    return len(runs), sum(work.modelled for work in works if work is not None) / slots_here(study).training


def affordable_epochs(seconds_of_one: float) -> int:
    """Epochs that fit into `TRAINING_S` if one epoch of all trainings takes `seconds_of_one`."""
    return max(FEWEST_EPOCHS, min(MOST_EPOCHS, int(TRAINING_S / seconds_of_one)))


def whole_seconds(training_s: float, n_clips: int, n_runs: int, n_targets: int, workers: int) -> float:
    """Seconds from `check` to the report: every clip is decoded twice and every run probed on every target."""
    decoding = 2 * n_clips / CLIPS_PER_S
    return training_s + (decoding + n_runs * n_targets * PROBE_S) / workers + REST_S
