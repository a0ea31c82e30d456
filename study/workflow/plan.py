"""Plan: which runs to pay for, and in which order. Needs the study file only, no data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from study.core.cost import measured_over_modelled, run_cost_gpu_hours, timing_kind
from study.core.errors import Fault, InputFaults, raise_all
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.run import Run, baseline_runs
from study.core.study_file import Study


def design_study(
    study: Study, budget: str | None, append: bool = False, started: list[Run] | None = None
) -> dict[str, Any]:
    """Write plan.parquet and design/; what they hold, for the terminal.

    `append` keeps what is planned and has not failed; `started` are runs of a design made elsewhere, kept likewise.
    """
    from design.budget import read_budget
    from design.generate import generate
    from design.page import write_page

    paths = Paths(study.store)
    kept, failed = planned_so_far(study) if append else ([], [])
    cost, n_timed = cost_of(study), len(_timed(study))
    basis = f"as {n_timed} trainings took" if n_timed else "at the reference rate"
    runs = generate(study, read_budget(budget, study), [*(started or []), *kept], failed, cost)
    write_plan(paths.plan, study, runs, cost)
    summary = write_page(study, runs, paths.design, cost, basis)
    return {
        "study": study.name, "plan": str(paths.plan), "page": str(paths.design / "design.html"), "runs": len(runs),
        "runs_by_phase": dict(Counter(run.phase for run in runs)), "baselines": len(baseline_runs(study)),
        "replaced": len(failed), "cost_basis": basis, **summary,
    }  # fmt: skip


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


def read_start(study: Study, path: Path, columns: Sequence[str], levels: Sequence[str]) -> list[Run]:
    """The runs of a foreign design, as runs of the study's sequential phase."""
    from design.foreign import read_design

    phases = [phase.name for phase in study.phases if phase.criterion is not None]
    if not phases:
        raise InputFaults([Fault("", "--start", str(path), "the study has no sequential phase to start")])
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
