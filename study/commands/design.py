"""`study design`: which runs to do, and in which order. Needs only the study file, no data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.commands.terminal import print_drawn
from study.core.errors import Fault, nearest, raise_all

if TYPE_CHECKING:
    from study.core.study_file import Study


def design(
    folder: Folder = Path("."),
    budget: Annotated[
        str | None,
        typer.Option(metavar="N|Ncpuh|Ngpuh|Nd", help="Sequential runs, CPU-hours, GPU-hours or days to plan."),
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Keep the planned runs, replace failed ones and extend the plan.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Design made elsewhere (CSV or Parquet) to extend."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COLUMN", help="Column of --start that holds a factor or source; may be repeated."),
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:VALUE=LEVEL", help="Level that a value in --start stands for; may be repeated."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Discard a plan even if some of its runs have results.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Plan failed runs again.")] = False,
    absent: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="A source added after the earlier runs, which lack it; may be repeated."),
    ] = None,
    evaluate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Evaluate the design in this table of runs; plan nothing."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A second table, shown side by side with --evaluate.")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Plan the runs in the order they are to be run, and report what the plan can and cannot estimate."""
    from study.core.reading import read_study
    from study.display.plan import draw_evaluation, draw_plan
    from study.workflow.evaluate import evaluate_tables
    from study.workflow.plan import design_study
    from study.workflow.start import read_start

    if evaluate is not None or against is not None:
        raise_all([Fault("", "--against", against, "works only with --evaluate")] * (evaluate is None))
        tables = evaluate_tables([path for path in (evaluate, against) if path is not None])
        print(json.dumps(tables, indent=1)) if as_json else print_drawn(tables, draw_evaluation)
        return
    study = read_study(folder, overrides or ())
    if start is None:
        raise_all(
            Fault("", "--column, --level", text, "works only with --start")
            for text in [*(column or []), *(level or [])]
        )
    raise_all(_usage_faults(study, append, replace, start, absent or []))
    started = [] if start is None else read_start(study, start, column or [], level or [], absent or [])
    found = design_study(study, budget, append, started, replace, retry_failed)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print_drawn(found, draw_plan)


def _usage_faults(study: Study, append: bool, replace: bool, start: Path | None, absent: list[str]) -> Iterator[Fault]:
    if append and replace:
        yield Fault("", "--append", None, "not together with --replace")
    for name in absent:
        if name not in study.sources:
            expected = f"not a source of the study: {', '.join(study.sources)}"
            yield Fault("", "--absent", name, expected, nearest(name, study.sources))
    if absent and not append and start is None:
        yield Fault("", "--absent", ", ".join(absent), "goes with --append or --start")
