"""`study design`: which runs to pay for, and in which order. Needs the study file only, no data."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from study.commands.arguments import AsJson, Folder
from study.cost import measured_over_modelled, run_cost_gpu_hours, timing_kind
from study.errors import Fault, InputFaults, raise_all
from study.paths import Paths
from study.plan import read_plan, write_plan
from study.reading import read_study
from study.run import Run
from study.study_file import Study


def design(
    folder: Folder = Path("."),
    budget: Annotated[
        str | None,
        typer.Option(metavar="N|Ngpuh|Nd", help="Runs of the sequential phases, GPU-hours, or days of the cluster."),
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Keep what is planned, replace what failed, and plan on.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Runs of a design made elsewhere, CSV or Parquet, to plan on from."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="NAME=COLUMN", help="What --start calls a factor or source.")
    ] = None,
    level: Annotated[
        list[str] | None, typer.Option(metavar="NAME:VALUE=LEVEL", help="What a value of --start means.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Plan the runs in the order in which they are to be run, and write what the plan can and cannot tell."""
    study = read_study(folder)
    if start is None:
        raise_all(
            Fault("", "--column, --level", text, "goes with --start") for text in [*(column or []), *(level or [])]
        )
    started = None if start is None else _read_start(study, start, column or [], level or [])
    found = design_study(study, budget, append, started)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        _print(found)


def design_study(
    study: Study, budget: str | None, append: bool = False, started: list[Run] | None = None
) -> dict[str, Any]:
    """Write plan.parquet and design/; what the terminal is told of them.

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
        "runs_by_phase": dict(Counter(run.phase for run in runs)), "replaced": len(failed), "cost_basis": basis,
        **summary,
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


def _read_start(study: Study, path: Path, columns: list[str], levels: list[str]) -> list[Run]:
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
    from jobs.prepared import read_prepared

    try:
        return read_prepared(study).n_training
    except InputFaults:
        pass
    if not study.corpus.tracks.is_file():
        return None
    from jobs.labels.tables import read_columns

    return round(len(read_columns(study.corpus.tracks, ("track_id",))) * (1 - study.corpus.validation))


def _print(found: dict[str, Any]) -> None:
    """What was planned, what it costs, and how good it is wherever it is stopped."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    phases = ", ".join(f"{count} {name}" for name, count in found["runs_by_phase"].items())
    console.print(f"{found['study']}: {found['runs']} runs planned ({phases})", markup=False)
    if found["replaced"]:
        console.print(f"{found['replaced']} failed runs replaced")
    hours = found["gpu_hours_by_phase"]
    if None not in hours.values():
        told = ", ".join(f"{name} {value:.2g}" for name, value in hours.items())
        console.print(f"about {sum(hours.values()):.2g} GPU-hours {found['cost_basis']} ({told})", markup=False)
    for phase in dict.fromkeys(row["phase"] for row in found["prefixes"]):
        table = Table("runs", "unbalance", "aliasing\n(at least)", "source-\nsource", "source-\nstrategy",
                      "D-efficiency, %\n(at most)", title=phase)  # fmt: skip
        for row in found["prefixes"]:
            if row["phase"] != phase:
                continue
            least = max(row["aliasing_bound_size"], row["aliasing_bound_balance"])
            efficiency = "-" if row["d_efficiency"] is None else f"{row['d_efficiency']:.1f}"
            table.add_row(
                str(row["n_runs"]), str(row["unbalance"]), f"{row['aliasing']:.3f} ({least:.3f})",
                f"{row['source_source']:.3f}", f"{row['source_strategy']:.3f}",
                f"{efficiency} ({row['d_efficiency_bound']:.1f})",
            )  # fmt: skip
        console.print(table)
    for note in found["notes"]:
        console.print(note, markup=False)
    console.print(f"see {found['page']}", markup=False, soft_wrap=True)
