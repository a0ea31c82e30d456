"""`study design`: which runs to pay for, and in which order. Needs the study file only, no data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.core.errors import Fault, raise_all
from study.core.progress import duration
from study.core.reading import read_study
from study.workflow.plan import design_study, read_start


def design(
    folder: Folder = Path("."),
    budget: Annotated[
        str | None,
        typer.Option(metavar="N|Ncpuh|Ngpuh|Nd", help="Runs of the sequential phases, CPU-hours, GPU-hours, or days."),
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
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Plan the runs in the order in which they are to be run, and write what the plan can and cannot tell."""
    study = read_study(folder, overrides or ())
    if start is None:
        raise_all(
            Fault("", "--column, --level", text, "goes with --start") for text in [*(column or []), *(level or [])]
        )
    started = None if start is None else read_start(study, start, column or [], level or [])
    found = design_study(study, budget, append, started)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    """What was planned, what it costs, and how good it is wherever it is stopped."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    phases = ", ".join(f"{count} {name}" for name, count in found["runs_by_phase"].items())
    console.print(
        f"{found['study']}: {found['runs']} runs planned ({phases}) + {found['baselines']} baselines", markup=False
    )
    if found["replaced"]:
        console.print(f"{found['replaced']} failed runs replaced")
    hours = found["hours_by_phase"]
    if None not in hours.values():
        told = ", ".join(f"{name} {value:.2g}" for name, value in hours.items())
        cost = f"about {sum(hours.values()):.2g} {found['cost_unit']} {found['cost_basis']}"
        console.print(f"{cost} ({told})", markup=False)
    if found["cost_note"]:
        console.print(found["cost_note"], markup=False)
    if found["seconds_to_go"]:
        console.print(f"about {duration(found['seconds_to_go'])} to go for what is not done yet", markup=False)
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
