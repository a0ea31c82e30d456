"""`study design`: which runs to pay for, and in which order. Needs the study file only, no data."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from study.commands.arguments import AsJson, Folder
from study.cost import run_cost_gpu_hours
from study.errors import Fault, InputFaults
from study.paths import Paths
from study.plan import read_plan, write_plan
from study.run import Run
from study.study_file import Study, read_study


def design(
    folder: Folder = Path("."),
    budget: Annotated[str | None, typer.Option(metavar="N", help="Runs of the sequential phases, such as 352.")] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Keep what is planned, replace what failed, and plan on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Plan the runs in the order in which they are to be run, and write what the plan can and cannot tell."""
    study = read_study(folder)
    found = design_study(study, budget, append)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print(_as_text(found))


def design_study(study: Study, budget: str | None, append: bool = False) -> dict[str, Any]:
    """Write plan.parquet and design/; what the terminal is told of them."""
    from design.generate import generate
    from design.page import write_page

    paths = Paths(study.store)
    kept, failed = _planned_so_far(study, paths) if append else ([], [])
    runs = generate(study, _runs_of(budget), kept, failed)
    n_training = _n_training_tracks(study)
    write_plan(paths.plan, study, runs, lambda run: run_cost_gpu_hours(study, run, n_training))
    summary = write_page(study, runs, paths.design)
    costs = [run_cost_gpu_hours(study, run, n_training) for run in runs]
    return {
        "study": study.name, "plan": str(paths.plan), "page": str(paths.design / "design.html"), "runs": len(runs),
        "runs_by_phase": dict(Counter(run.phase for run in runs)), "replaced": len(failed),
        "gpu_hours": None if None in costs else sum(costs), **summary,
    }  # fmt: skip


def _planned_so_far(study: Study, paths: Paths) -> tuple[list[Run], list[Run]]:
    """The planned runs that have not failed, and those that have."""
    from jobs.records import last_failure, read_attempts, read_trained

    kept: list[Run] = []
    failed: list[Run] = []
    for run in read_plan(paths.plan, study):
        has_failed = (
            read_trained(paths, run.run_id) is None and last_failure(read_attempts(paths, run.run_id)) is not None
        )
        (failed if has_failed else kept).append(run)
    return kept, failed


def _runs_of(budget: str | None) -> int | None:
    if budget is None or budget.isdigit():
        return None if budget is None else int(budget)
    expected = "expected a number of runs, such as 352"
    if re.fullmatch(r"\d+(\.\d+)?(gpuh|d)", budget):
        expected = f"budgets in GPU-hours and days are not supported by this version; {expected}"
    raise InputFaults([Fault("", "--budget", budget, expected)])


def _n_training_tracks(study: Study) -> int | None:
    """Training tracks as prepared; else as listed, without the validation part; None where there is no table yet."""
    from jobs.prepared import read_prepared

    try:
        return read_prepared(study).n_training
    except InputFaults:
        pass
    try:
        from jobs.labels.tables import read_columns

        return round(len(read_columns(study.corpus.tracks, ("track_id",))) * (1 - study.corpus.validation))
    except InputFaults:
        return None


def _as_text(found: dict[str, Any]) -> str:
    phases = ", ".join(f"{count} {name}" for name, count in found["runs_by_phase"].items())
    lines = [f"{found['study']}: {found['runs']} runs planned ({phases})"]
    if found["replaced"]:
        lines.append(f"{found['replaced']} failed runs replaced")
    if found["gpu_hours"] is not None:
        lines.append(f"about {found['gpu_hours']:.2g} GPU-hours at the reference rate")
    lines += [f"{name.replace('_', ' ')}: {value}" for name, value in found.items() if name.startswith("largest")]
    lines.append(f"see {found['page']}")
    return "\n".join(lines)
