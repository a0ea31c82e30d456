"""`study power`: by simulation, which effects the plan can detect, and what more runs or targets would gain."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.commands.terminal import print_drawn, tell
from study.core.errors import Fault, InputFaults
from study.core.progress import duration


def power(
    folder: Folder = Path("."),
    runs: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Numbers of sequential runs; larger ones extend the plan."),
    ] = None,
    targets: Annotated[str | None, typer.Option(metavar="N,N,...", help="Numbers of targets to simulate.")] = None,
    effect: Annotated[
        list[str] | None, typer.Option(metavar="TERM=VALUE", help="Size of a fixed effect; may be repeated.")
    ] = None,
    sd: Annotated[
        list[str] | None,
        typer.Option(metavar="TERM=VALUE", help="SD of a term between targets, or of `residual`; may be repeated."),
    ] = None,
    fitted: Annotated[bool, typer.Option("--fitted", help="Take effects and variances from report/fit.json.")] = False,
    simulations: Annotated[int, typer.Option(min=10, help="Number of simulated studies.")] = 1000,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Simulate which effects the plan can detect, and what more runs or targets would gain."""
    from study.core.reading import read_study
    from study.display.power import draw_power_table
    from study.workflow.power import PowerOptions, study_power, term_faults

    study = read_study(folder, overrides or ())
    (sizes, run_faults), (n_targets, target_faults) = _counts(runs, "--runs"), _counts(targets, "--targets")
    if run_faults or target_faults:
        raise InputFaults([*run_faults, *target_faults, *term_faults(study, sizes, effect or [], sd or [])])
    options = PowerOptions(sizes, n_targets, effect or [], sd or [], fitted, simulations)
    with _progress_shown(simulations) as show:
        power_facts = study_power(study, options, tell, show)
    if as_json:
        print(json.dumps(power_facts, indent=1, allow_nan=False))
    else:
        print_drawn(power_facts, draw_power_table)


def _counts(text: str | None, key: str) -> tuple[list[int], list[Fault]]:
    """ "88,176,352" as numbers in ascending order, or what is wrong with it; there are at least two targets."""
    least = 2 if key == "--targets" else 0
    if text is None:
        return [], []
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", text) or min(map(int, text.split(","))) < least:
        return [], [Fault("", key, text, f"expected whole numbers of {least} or more, such as 7,10")]
    return sorted(set(map(int, text.split(",")))), []


@contextmanager
def _progress_shown(n_simulations: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line at each quarter elsewhere."""
    if not sys.stderr.isatty():
        began, quarters_said = time.monotonic(), 0

        def line(done: int) -> None:
            nonlocal quarters_said
            if 4 * done // n_simulations > quarters_said:
                quarters_said = 4 * done // n_simulations
                to_go = (time.monotonic() - began) / done * (n_simulations - done)
                tell(f"{done} of {n_simulations} studies simulated, {duration(to_go)} to go")

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulated studies", total=n_simulations)
        yield lambda done: bar.update(task, completed=done)
