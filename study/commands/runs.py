"""`study runs`: a table of the runs, or one of them in detail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.core.errors import Fault, raise_all


def runs(
    folder: Folder = Path("."),
    sort: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Sort by a column, target or factor; best scores first.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="ID", help="Show one run's settings, attempts and learning curves.")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV only; with --run, the learning curves.")] = False,
) -> None:
    """List every run, baselines included, with its strategy, sources, factors, state and scores."""
    import pandas as pd

    from study.core.content import csv_bytes
    from study.core.reading import read_study
    from study.display.run_detail import print_detail
    from study.display.runs import print_runs
    from study.workflow.runs import as_records, run_detail, sorted_runs, study_runs

    exclusive = {"--csv": ("--json", as_csv and as_json), "--sort": ("--run", sort is not None and run is not None)}
    raise_all(
        Fault("", key, None, f"cannot be combined with {other}") for key, (other, both) in exclusive.items() if both
    )
    study = read_study(folder, overrides or ())
    if run is not None:
        detail = run_detail(study, run)
        if as_json:
            print(json.dumps(detail, indent=1))
        elif as_csv:
            print(csv_bytes(pd.DataFrame(detail["learning_curves"])).decode(), end="")
        else:
            print_detail(detail)
        return
    table = study_runs(study)
    if sort is not None:
        table = sorted_runs(table, sort)
    if as_json:
        print(json.dumps({"study": study.name, "runs": as_records(table)}, indent=1))
    elif as_csv:
        print(csv_bytes(table).decode(), end="")
    else:
        print_runs(study.name, table)
