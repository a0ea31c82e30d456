"""Plan: which runs to do, and in which order. Needs only the study file, no data."""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from study.core.durations import Unit, Work
from study.core.errors import Fault, InputFaults, raise_all
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.run import Run, baseline_runs
from study.core.run_works import Step
from study.core.study_file import FILE_NAME, Study
from study.workflow.estimates import (
    UNMEASURED,
    UNTIMED,
    Estimate,
    TimeLeft,
    estimate_from,
    planned_runs,
    read_records,
    runs_on_gpu,
    slots_here,
    steps_left,
    time_left,
    torch_is_installed,
)


def design_study(
    study: Study, budget: str | None, append: bool = False, started: list[Run] | None = None
) -> dict[str, Any]:
    """Write plan.parquet and design/; what they hold, for the terminal.

    `append` keeps what is planned and has not failed; `started` are runs of a design made elsewhere, kept likewise.
    """
    from design.budget import Hours, read_budget
    from design.generate import generate
    from design.page import write_page

    paths, limit = Paths(study.store), read_budget(budget, study)
    kept, failed = planned_so_far(study) if append else ([], [])
    estimate = _estimate_in(study, budget, limit.unit if isinstance(limit, Hours) else None)
    runs = generate(study, limit, [*(started or []), *kept], failed, estimate.hours)
    gpu_hours = cost_of(study)
    write_plan(paths.plan, study, runs, gpu_hours)
    summary = write_page(study, runs, paths.design, estimate.hours, estimate.basis, estimate.unit)
    left = _time_left(study, estimate, runs)
    return {
        "study": study.name, "plan": str(paths.plan), "page": str(paths.design / "design.html"), "runs": len(runs),
        "runs_by_phase": dict(Counter(run.phase for run in runs)), "baselines": len(baseline_runs(study)),
        "replaced": len(failed),
        "cost_unit": estimate.unit, "cost_basis": estimate.basis, "cost_note": _cost_note(study, estimate, left),
        "seconds_to_go": left.seconds if left else None,
        "gpu_hours_by_phase": hours_by_phase(runs, gpu_hours), **summary,
    }  # fmt: skip


def _time_left(study: Study, estimate: Estimate, runs: list[Run]) -> TimeLeft | None:
    """Of the plan and the baselines, as far as they have no scores yet."""
    from jobs.launch import missing_targets
    from jobs.prepared_data import read_prepared

    every = baseline_runs(study) + runs
    lacking: dict[Run, tuple[str, ...]] = dict.fromkeys(every, tuple(study.targets))
    with contextlib.suppress(InputFaults):  # where nothing is prepared, all is left
        lacking = missing_targets(study, read_prepared(study), every)
    records = read_records(study, lacking)
    steps: dict[Step, list[Work]] = {}
    for run, targets in lacking.items():
        steps |= steps_left(estimate.model, run, targets, records[run][0] is not None)
    return time_left(estimate, steps, {}, slots_here(study))


def _cost_note(study: Study, estimate: Estimate, left: TimeLeft | None) -> str:
    """What the hours leave out, or why there are none; empty where there is nothing to say."""
    if not torch_is_installed() and not estimate.rates.modelled:
        if not estimate.model.in_seconds:
            return f"the cost of the plan is unknown: {UNMEASURED}"
        if estimate.model.on_gpu and not study.cluster.gpus:
            return f"the cost of the plan without a GPU is unknown: {UNMEASURED}"
    return UNTIMED if left and not left.is_complete and not estimate.model.on_gpu else ""


def cost_of(study: Study) -> Callable[[Run], float | None]:
    """GPU-hours of a run's training: at the reference rate, corrected by the trainings that GPUs have done.

    None while it is unknown how many tracks there are to learn from.
    """
    return estimate_from(study, read_records(study, planned_runs(study)), on_gpu=True).hours


def hours_by_phase(runs: Iterable[Run], hours: Callable[[Run], float | None]) -> dict[str, float | None]:
    """The sum of each phase; None where a run's is unknown."""
    costs: dict[str, list[float | None]] = {}
    for run in runs:
        costs.setdefault(run.phase, []).append(hours(run))
    return {
        name: math.fsum(each for each in of if each is not None) if None not in of else None
        for name, of in costs.items()
    }


def _estimate_in(study: Study, budget: str | None, unit: Unit | None) -> Estimate:
    """The estimate in the unit of a budget, or else in that of the device the study is trained on.

    Raises `InputFaults` where the budget is in days of GPUs whose number is not known, or in CPU-hours and nothing says
    what they buy.
    """
    records = read_records(study, planned_runs(study))
    on_gpu = runs_on_gpu(study, records, may_look=True)
    if unit == "CPU-hours" and on_gpu and str(budget).endswith("d"):
        expected = "missing or 0: a budget in days needs the number of GPUs"
        raise InputFaults([Fault(FILE_NAME, "[cluster] gpus", study.cluster.gpus, expected)])
    estimate = estimate_from(study, records, unit == "GPU-hours" if unit else on_gpu is not False, may_measure=True)
    if unit == "CPU-hours" and not estimate.model.in_seconds and not estimate.rates.modelled:
        copied = f"copy {Paths(study.store).step_speed.name} into the study's store from where it was measured"
        expected = f"{UNMEASURED}; install it, or {copied}, or give a number of runs such as 40"
        raise InputFaults([Fault("", "--budget", budget, expected)])
    return estimate


def planned_so_far(study: Study) -> tuple[list[Run], list[Run]]:
    """The planned runs that have not failed, and those that have."""
    from jobs.records import last_failure, read_attempts, read_trained

    paths = Paths(study.store)
    kept: list[Run] = []
    failed: list[Run] = []
    for run in read_plan(paths.plan, study):
        has_failed = (
            read_trained(paths, run.run_id) is None and last_failure(read_attempts(paths, run.run_id)) is not None
        )
        (failed if has_failed else kept).append(run)
    return kept, failed


def read_start(study: Study, path: Path, columns: Sequence[str], levels: Sequence[str]) -> list[Run]:
    """The runs of a foreign design, as runs of the study's sequential phase."""
    from design.foreign import read_design

    phases = [phase.name for phase in study.phases if phase.criterion is not None]
    if not phases:
        raise InputFaults([Fault("", "--start", str(path), "the study has no sequential phase to extend")])
    faults = [
        Fault("", "--column", text, "expected NAME=COLUMN, such as strategy=arc") for text in columns if "=" not in text
    ]
    faults += [
        Fault("", "--level", text, "expected NAME:VALUE=LEVEL, such as strategy:1=MSS-CR")
        for text in levels if not re.fullmatch(r"[^:]+:[^=]+=.+", text)
    ]  # fmt: skip
    raise_all(faults)
    meanings: dict[str, dict[str, str]] = {}
    for text in levels:
        name, _, rest = text.partition(":")
        value, _, level = rest.partition("=")
        meanings.setdefault(name, {})[value] = level
    return read_design(study, path, phases[0], dict(text.split("=", 1) for text in columns), meanings)
