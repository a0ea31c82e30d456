"""`study power`: by simulation, which effects the plan can find, and what more runs or more targets would buy."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.commands.terminal import duration, tell
from study.core.errors import Fault, InputFaults
from study.core.reading import read_study
from study.workflow.power import study_power, term_faults

TABLE_WIDTH = 116


def power(
    folder: Folder = Path("."),
    runs: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Runs of the sequential phases; beyond the plan it is continued."),
    ] = None,
    targets: Annotated[str | None, typer.Option(metavar="N,N,...", help="Numbers of targets.")] = None,
    effect: Annotated[
        list[str] | None, typer.Option(metavar="TERM=VALUE", help="A fixed effect; may be repeated.")
    ] = None,
    sd: Annotated[
        list[str] | None,
        typer.Option(metavar="TERM=VALUE", help="A term's deviation between targets, or `residual`; may be repeated."),
    ] = None,
    fitted: Annotated[bool, typer.Option("--fitted", help="Effects and variances of report/fit.json.")] = False,
    simulations: Annotated[int, typer.Option(min=10, help="Simulated studies.")] = 1000,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """By simulation: which effects the plan can find, and what more runs or more targets would buy."""
    study = read_study(folder, overrides or ())
    (sizes, faults), (n_targets, more) = _counts(runs, "--runs"), _counts(targets, "--targets")
    if faults or more:
        raise InputFaults([*faults, *more, *term_faults(study, sizes, effect or [], sd or [])])
    with _progress_shown(simulations) as show:
        found = study_power(study, sizes, n_targets, effect or [], sd or [], fitted, simulations, tell, show)
    if as_json:
        print(json.dumps(found, indent=1, allow_nan=False))
    else:
        _print(found)


def _counts(text: str | None, key: str) -> tuple[list[int], list[Fault]]:
    """ "88,176,352" as numbers in ascending order, or what is wrong with it; targets are two at least."""
    least = 2 if key == "--targets" else 0
    if text is None:
        return [], []
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", text) or min(map(int, text.split(","))) < least:
        return [], [Fault("", key, text, f"expected numbers from {least} on, such as 7,10")]
    return sorted(set(map(int, text.split(",")))), []


@contextmanager
def _progress_shown(n_simulations: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line at each quarter elsewhere."""
    if not sys.stderr.isatty():
        began, told = time.monotonic(), [0]

        def line(done: int) -> None:
            if 4 * done // n_simulations > told[0]:
                told[0] = 4 * done // n_simulations
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


def _print(found: dict[str, Any]) -> None:
    """A table a number of targets: percent of the studies in which an effect is found, by number of runs."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.width = max(console.width, TABLE_WIDTH)
    but = f", but for {', '.join(found['stated'])}" if found["stated"] else ""
    console.print(
        f"{found['study']}: percent of {found['simulations']:,} simulated studies in which an effect is found at "
        f"{found['alpha']:g}, with its 95 % interval; effects and variances {found['basis']}{but}", markup=False,
    )  # fmt: skip
    for n_targets in dict.fromkeys(cell["n_targets"] for cell in found["cells"]):
        cells = [cell for cell in found["cells"] if cell["n_targets"] == n_targets]
        table = Table(title=f"{n_targets} targets; runs of the sequential phases (of all)", box=SIMPLE, padding=(0, 1))
        table.add_column("effect", no_wrap=True)
        table.add_column("value", justify="right", no_wrap=True)
        for cell in cells:
            table.add_column(f"{cell['n_runs']} ({cell['n_runs_in_all']})", justify="right", no_wrap=True)
        table.add_column(f"smallest, {cells[-1]['n_runs']}", justify="right", no_wrap=True)
        for row in next((cell["power"] for cell in cells if cell["power"]), []):
            told = [{one["effect"]: one for one in cell["power"]}.get(row["effect"]) for cell in cells]
            smallest = told[-1] and told[-1]["smallest"]
            table.add_row(
                Text(row["effect"]), f"{row['value']:.2f}", *map(_percent, told),
                "-" if smallest is None else f"{smallest:.2f}",
            )  # fmt: skip
        table.add_section()
        for name, key in (("failed fits, %", "n_failed"), ("singular fits, %", "n_singular")):
            table.add_row(name, "", *(f"{100 * cell[key] / found['simulations']:.1f}" for cell in cells))
        console.print(table)
        for cell in cells:
            if cell["why_not"]:
                console.print(f"{cell['n_runs']} runs: {cell['why_not']}", markup=False)
    console.print(
        "Slopes and factors by their own p, differences of strategies at n* = 0 by Holm-adjusted p. Smallest: what "
        f"{found['smallest_at_power']:.0%} of the studies find; for all numbers of runs it is in {found['table']}",
        markup=False, soft_wrap=True,
    )  # fmt: skip


def _percent(row: dict[str, Any] | None) -> str:
    if row is None or row["power"] is None:
        return "-"
    return f"{100 * row['power']:.0f} ({100 * row['power_low']:.0f}-{100 * row['power_high']:.0f})"
