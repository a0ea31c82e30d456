"""Plan: which runs to pay for, and in which order. Needs the study file only, no data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from study.core.cost import measured_over_modelled, run_cost_gpu_hours, timing_kind
from study.core.errors import Fault, InputFaults, raise_all
from study.core.paths import Paths
from study.core.plan import planned_ids, read_plan, write_plan
from study.core.run import Run, study_seed_sequence
from study.core.study_file import Study
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
    absent: Sequence[str] = (),
) -> dict[str, Any]:
    """Write plan.parquet and design/; what they hold, for the terminal. On any fault nothing is written.

    `append` keeps what is planned and has not failed, and plans on; `started` are runs of a design made elsewhere, kept
    likewise. Without `append`, `replace` discards a plan although some of its runs have results. Runs that failed for a
    cause of their own are planned again under `retry_failed` only. `absent` are sources that the plan may lack, because
    no run so far learned from them.
    """
    from design.budget import read_budget
    from design.foreign import constraint_notes
    from design.generate import generate
    from design.page import design_page, write_page

    paths = Paths(study.store)
    if not append and not replace:
        refuse_to_discard(paths)
    planned = read_plan(paths.plan, study, absent) if append else []
    failed = [] if retry_failed else failed_runs(study, planned)
    lost = {run.run_id for run in failed}
    kept = [run for run in planned if run.run_id not in lost]
    cost, n_timed = cost_of(study), len(_timed(study))
    basis = f"as {n_timed} trainings took" if n_timed else "at the reference rate"
    runs = generate(study, read_budget(budget, study), [*started, *kept], failed, cost)
    raise_all([Fault("", "--budget", budget, "no run would be planned; expected 1 or more")] * (not runs))
    notes = [*constraint_notes(study, started), *_whole_space(study, runs)]
    page = design_page(study, runs, cost, basis, notes, smallest_effects(study, runs))
    write_page(page, paths.design)
    write_plan(paths.plan, study, runs, cost)
    return {
        "study": study.name, "plan": str(paths.plan), "page": str(paths.design / "design.html"), "runs": len(runs),
        "runs_by_phase": dict(Counter(run.phase for run in runs)), "replaced": len(planned) - len(kept),
        "failed": len(failed), "cost_basis": basis, **page.summary,
    }  # fmt: skip


def smallest_effects(study: Study, runs: Sequence[Run]) -> dict[str, float]:
    """The smallest effects, by name, that simulated studies over these runs find; none where they cannot be fitted."""
    import numpy as np

    from analysis.planning.power import power
    from analysis.planning.truth import paper_truth
    from design.expected_errors import run_rows
    from study.core.coding import first_model

    rows = run_rows(study, runs)
    coding = first_model(rows, study.further_factors)
    if len(study.targets) < 2 or len(rows) <= coding.columns.shape[1]:
        return {}
    rng = np.random.default_rng(study_seed_sequence(study, "verdict"))
    (cell,) = power(
        rows, study.further_factors, paper_truth(coding), [len(rows)], [len(study.targets)], N_SIMULATIONS, rng
    )
    return {} if cell.why_not else dict(zip(cell.power["effect"], cell.power["smallest"], strict=True))


def _whole_space(study: Study, runs: Sequence[Run]) -> list[str]:
    """What is to be said of a plan that has every run that its sequential phases could have."""
    from design.generate import n_possible, sequential_phases

    phases = sequential_phases(study, runs)
    n_planned = sum(len(phase.start_runs) for phase in phases)
    bought = bool(phases) and n_possible(phases) == n_planned
    return [f"the budget buys all {n_planned:,} possible runs of the sequential phases"] * bought


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


def cost_of(study: Study) -> Callable[[Run], float | None]:
    """GPU-hours of a run, once it is known how many tracks there are to learn from.

    The closed form at its reference rate, corrected by what trainings of the run's strategy and backbone took, or else
    of any.
    """
    n_training = _n_training_tracks(study)
    by_kind, overall = measured_over_modelled(study, _timed(study))

    def cost(run: Run) -> float | None:
        hours = run_cost_gpu_hours(study, run, n_training)
        return None if hours is None else hours * by_kind.get(timing_kind(study, run), overall)

    return cost


def planned_so_far(study: Study) -> tuple[list[Run], list[Run]]:
    """The planned runs that have not failed for a cause of their own, and all runs that have, planned or not."""
    planned = read_plan(Paths(study.store).plan, study)
    failed = failed_runs(study, planned)
    lost = {run.run_id for run in failed}
    return [run for run in planned if run.run_id not in lost], failed


def _timed(study: Study) -> list[tuple[Run, int, float]]:
    """The planned runs that GPUs have trained, each with its steps and GPU-hours."""
    from jobs.records import read_trained

    paths = Paths(study.store)
    try:
        runs = read_plan(paths.plan, study)
    except InputFaults:  # no plan yet, or another study file's
        return []
    records = [(run, read_trained(paths, run.run_id)) for run in runs]
    share = study.cluster.gpu_share / 3600
    return [(run, of.train_steps, of.train_seconds * share) for run, of in records if of and of.device != "cpu"]


def _n_training_tracks(study: Study) -> int | None:
    """Training tracks as prepared; else as listed, without the validation part; None where there is no table yet."""
    from jobs.prepared_data import read_prepared

    try:
        return read_prepared(study).n_training
    except InputFaults:
        pass
    if not study.corpus.tracks.is_file():
        return None
    from jobs.labels.tables import read_columns

    return round(len(read_columns(study.corpus.tracks, ("track_id",))) * (1 - study.corpus.validation))
