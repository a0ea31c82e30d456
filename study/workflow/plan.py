"""Plan: which runs to do, and in which order. Needs only the study file, no data."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from study.core.backbone_costs import NO_COST, faults_of_own_backbones, unmeasured_backbones
from study.core.durations import Unit, Work
from study.core.errors import Fault, InputFaults, raise_all
from study.core.nuisance import assigned, largest_correlation
from study.core.paths import FILE_NAME, Paths
from study.core.plan import assigned_before, planned_ids, read_plan, write_plan
from study.core.run import Run, baseline_runs, study_seed_sequence
from study.core.run_works import Step
from study.core.study_file import Study
from study.core.variances import RUN_SHARE
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
from study.workflow.failed_runs import failed_runs

N_SIMULATIONS = 200
"""Studies that the page's smallest effects come from; `study power` takes more."""


def design_study(
    study: Study,
    budget: str | None,
    append: bool = False,
    started: Sequence[Run] = (),
    replace: bool = False,
    retry_failed: bool = False,
) -> dict[str, Any]:
    """Write plan.parquet and design/; what they hold, for the terminal. On any fault nothing is written.

    `append` keeps what is planned and has not failed, and plans on; `started` are runs of a design made elsewhere, kept
    likewise. Without `append`, `replace` discards a plan although some of its runs have results. Runs that failed for a
    cause of their own are planned again under `retry_failed` only.
    """
    from design.budget import Hours, read_budget
    from design.foreign import constraint_notes
    from design.generate import generate
    from design.page import design_page, write_page

    raise_all(faults_of_own_backbones(study))
    paths, limit = Paths(study.store), read_budget(budget, study)
    if not append and not replace:
        refuse_to_discard(paths)
    planned = read_plan(paths.plan, study) if append else []
    failed = [] if retry_failed else failed_runs(study, planned)
    lost = {run.run_id for run in failed}
    kept = [run for run in planned if run.run_id not in lost]
    estimate = _estimate_in(study, budget, limit.unit if isinstance(limit, Hours) else None)
    runs = generate(study, limit, [*started, *kept], failed, estimate.hours)
    raise_all([Fault("", "--budget", budget, "no run would be planned; expected 1 or more")] * (not runs))
    notes = [*constraint_notes(study, started), *_whole_space(study, runs), *_nuisance_notes(study, runs)]
    smallest = {share: smallest_effects(study, runs, share) for share in (RUN_SHARE, 0.0)}
    page = design_page(study, runs, estimate.hours, estimate.basis, estimate.unit, notes, smallest)
    left, gpu_hours = _time_left(study, estimate, runs), cost_of(study)
    write_page(page, paths.design)
    write_plan(paths.plan, study, runs, gpu_hours)
    return {
        "study": study.name,
        "plan": str(paths.plan),
        "page": str(paths.design / "design.html"),
        "runs": len(runs),
        "runs_by_phase": dict(Counter(run.phase for run in runs)),
        "baselines": len(baseline_runs(study)),
        "replaced": len(planned) - len(kept),
        "failed": len(failed),
        "cost_unit": estimate.unit,
        "cost_basis": estimate.basis,
        "cost_note": _cost_note(study, estimate, left),
        "seconds_to_go": left.seconds if left else None,
        "gpu_hours_by_phase": hours_by_phase(runs, gpu_hours),
        **page.summary,
    }


def smallest_effects(study: Study, runs: Sequence[Run], run_share: float = RUN_SHARE) -> dict[str, float]:
    """The smallest effects, by name, that simulated studies over these runs find where the scores of a run share this
    part of the variance around the model; none where they cannot be fitted."""
    import numpy as np

    from analysis.planning.power import Grid, power
    from analysis.planning.truth import paper_truth, with_run_share
    from design.expected_errors import run_rows
    from study.core.coding import first_model

    rows = run_rows(study, runs)
    coding = first_model(rows, study.further_factors, study.known_strategies)
    if len(study.targets) < 2 or len(rows) <= coding.columns.shape[1]:
        return {}
    truth = paper_truth(coding)
    if run_share != RUN_SHARE:
        truth = with_run_share(truth, run_share)
    rng = np.random.default_rng(study_seed_sequence(study, "verdict"))
    grid, known = Grid([len(rows)], [len(study.targets)], N_SIMULATIONS), study.known_strategies
    (cell,) = power(rows, study.further_factors, truth, grid, rng, strategies=known)
    return {} if cell.why_not else dict(zip(cell.power["effect"], cell.power["smallest"], strict=True))


def _whole_space(study: Study, runs: Sequence[Run]) -> list[str]:
    """What is to be said of a plan that has every run that its sequential phases could have."""
    from design.phases import n_possible, sequential_phases

    phases = sequential_phases(study, runs)
    n_planned = sum(len(phase.start_runs) for phase in phases)
    bought = bool(phases) and n_possible(phases) == n_planned
    return [f"the budget buys all {n_planned:,} possible runs of the sequential phases"] * bought


def _nuisance_notes(study: Study, runs: Sequence[Run]) -> list[str]:
    """How evenly the levels of nuisance factors are spread over the plan's runs."""
    found = assigned(study, runs, assigned_before(Paths(study.store).plan))
    notes = []
    for name, levels in study.nuisance_factors.items():
        chosen = [row[name] for row in found]
        counts = ", ".join(f"{level} {chosen.count(level)}" for level in levels)
        most = largest_correlation(study, runs, chosen)
        notes.append(
            f"{name}, of no interest, is spread over the runs: {counts}; its correlation with any level of "
            f"another factor is at most {most:.2f}"
        )
    return notes


def refuse_to_discard(paths: Paths) -> None:
    """Raise `InputFaults` if some runs of the plan that is there have results, and say how to go on."""
    ids = planned_ids(paths.plan)
    n_begun = sum(any(paths.results.glob(f"{run_id}/*.parquet")) or paths.trained(run_id).is_file() for run_id in ids)
    if n_begun:
        expected = (
            f"{n_begun} of its {len(ids)} runs have results; --append plans on from them, --replace discards the plan "
            "(results stay on disk)"
        )
        raise InputFaults([Fault(str(paths.plan), "", None, expected)])


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
    unmeasured = [] if study.run is not None else unmeasured_backbones(study)
    if unmeasured:
        return f"backbone {', '.join(unmeasured)} {NO_COST}"
    if not torch_is_installed() and not estimate.rates.finished:
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
    if unit == "CPU-hours" and not estimate.model.in_seconds and not estimate.rates.finished:
        copied = f"copy {Paths(study.store).step_speed.name} into the study's store from where it was measured"
        expected = f"{UNMEASURED}; install it, or {copied}, or give a number of runs such as 40"
        raise InputFaults([Fault("", "--budget", budget, expected)])
    return estimate


def planned_so_far(study: Study) -> tuple[list[Run], list[Run]]:
    """The planned runs that have not failed for a cause of their own, and all runs that have, planned or not."""
    planned = read_plan(Paths(study.store).plan, study)
    failed = failed_runs(study, planned)
    lost = {run.run_id for run in failed}
    return [run for run in planned if run.run_id not in lost], failed
