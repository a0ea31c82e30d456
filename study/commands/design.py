"""`study design`: which runs to pay for, and in which order. Needs the study file only, no data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from study.commands.arguments import AsJson, Folder
from study.core.errors import Fault, nearest, raise_all
from study.core.reading import read_study
from study.core.study_file import Study
from study.workflow.plan import design_study
from study.workflow.start import read_start


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
    replace: Annotated[
        bool, typer.Option("--replace", help="Discard a plan although some of its runs have results.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Plan runs again that failed for a cause of their own.")
    ] = False,
    absent: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="A source that no run so far has: added to the study since."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Plan the runs in the order in which they are to be run, and write what the plan can and cannot tell."""
    study = read_study(folder)
    if start is None:
        raise_all(
            Fault("", "--column, --level", text, "goes with --start") for text in [*(column or []), *(level or [])]
        )
    raise_all(_usage_faults(study, append, replace, start, absent or []))
    started = [] if start is None else read_start(study, start, column or [], level or [], absent or [])
    found = design_study(study, budget, append, started, replace, retry_failed, absent or [])
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        _print(found)


def _usage_faults(study: Study, append: bool, replace: bool, start: Path | None, absent: list[str]) -> Iterator[Fault]:
    if append and replace:
        yield Fault("", "--append", None, "not together with --replace")
    for name in absent:
        if name not in study.sources:
            expected = f"not a source of the study: {', '.join(study.sources)}"
            yield Fault("", "--absent", name, expected, nearest(name, study.sources))
    if absent and not append and start is None:
        yield Fault("", "--absent", ", ".join(absent), "goes with --append or --start")


def _print(found: dict[str, Any]) -> None:
    """What was planned, what it costs, and how good it is wherever it is stopped."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    phases = ", ".join(f"{count} {name}" for name, count in found["runs_by_phase"].items())
    console.print(f"{found['study']}: {found['runs']} runs planned ({phases})", markup=False)
    if found["failed"]:
        planned = f", {found['replaced']} of them planned before" if found["replaced"] else ""
        console.print(f"{found['failed']} runs failed for a cause of their own and are not planned{planned}; "
                      "--retry-failed plans them again")  # fmt: skip
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
        by_factor = ", ".join(f"{name} {value}" for name, value in found["unbalance"][phase].items())
        console.print(f"unbalance by factor: {by_factor}", markup=False)
    for note in found["notes"]:
        console.print(note, markup=False)
    console.print(f"see {found['page']}", markup=False, soft_wrap=True)
