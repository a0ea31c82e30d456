"""`study power`: by simulation, which effects the plan can find, and what more runs or more targets would buy."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from study.commands.arguments import AsJson, Folder
from study.commands.terminal import duration, tell
from study.errors import Fault, InputFaults, raise_all
from study.paths import Paths, write_whole
from study.plan import read_plan, run_columns
from study.reading import read_study
from study.run import Run, study_seed_sequence
from study.study_file import Study

if TYPE_CHECKING:
    from analysis.planning.power import Cell

TABLE_WIDTH = 116
FRACTIONS = (0.25, 0.5, 1.0, 2.0)
"""Of the plan's sequential runs: the sizes that are looked at where none are asked for, as candidates allow."""


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
    as_json: AsJson = False,
) -> None:
    """By simulation: which effects the plan can find, and what more runs or more targets would buy."""
    study = read_study(folder)
    (sizes, faults), (n_targets, more) = _counts(runs, "--runs"), _counts(targets, "--targets")
    if faults or more:
        raise InputFaults([*faults, *more, *_term_faults(study, sizes, effect or [], sd or [])])
    found = study_power(study, sizes, n_targets, effect or [], sd or [], fitted, simulations)
    if as_json:
        print(json.dumps(found, indent=1, allow_nan=False))
    else:
        _print(found)


def study_power(
    study: Study,
    sizes: Sequence[int] = (),
    n_targets: Sequence[int] = (),
    effects: Sequence[str] = (),
    deviations: Sequence[str] = (),
    fitted: bool = False,
    n_simulations: int = 1000,
) -> dict[str, Any]:
    """Power by runs and targets, written to power/ too; what the terminal is told of it."""
    import numpy as np

    from analysis.contrasts import ALPHA
    from analysis.planning.power import WANTED
    from analysis.planning.power import power as simulate
    from analysis.planning.power_figure import draw_power
    from analysis.planning.truth import fitted_truth, paper_truth, stated
    from study.coding import first_model

    paths = Paths(study.store)
    try:
        planned, n_fixed, sizes = runs_in_order(study, sizes)
    except InputFaults as error:
        raise InputFaults([*error.faults, *_term_faults(study, [], effects, deviations)]) from None
    frame = plan_rows(study, planned)
    coding = first_model(frame, study.further_factors)
    basis = fitted_truth(paths.report / "fit.json", coding) if fitted else paper_truth(coding)
    truth = stated(basis, coding, effects, deviations)
    for name in study.evaluation_factors:
        tell(f"factor.{name} is of the evaluation and not simulated: one score a run and target")
    n_targets = n_targets or (max(2, len(study.targets)), 2 * len(study.targets))
    with _progress_shown(n_simulations) as show:
        cells = simulate(
            frame, study.further_factors, truth, [n_fixed + size for size in sizes], n_targets, n_simulations,
            np.random.default_rng(study_seed_sequence(study, "power")), show,
        )  # fmt: skip
    plain = [_plain(cell, n_fixed) for cell in cells]
    rows = [
        {**{key: value for key, value in cell.items() if key != "power"}, **row}
        for cell in plain for row in cell["power"]
    ]  # fmt: skip
    write_whole(paths.power / "power.csv", lambda path: pd.DataFrame(rows).to_csv(path, index=False))
    draw_power(cells, paths.power)
    return {
        "study": study.name, "simulations": n_simulations, "alpha": ALPHA, "smallest_at_power": WANTED,
        "basis": "report/fit.json" if fitted else "near the paper's", "stated": [*effects, *deviations],
        "effects": dict(truth.effects), "sd": {**truth.sd, "residual": truth.residual_sd},
        "cells": plain,
        "table": str(paths.power / "power.csv"), "figure": str(paths.power / "power.png"),
    }  # fmt: skip


def runs_in_order(study: Study, sizes: Sequence[int]) -> tuple[list[Run], int, list[int]]:
    """The runs, the fixed phases' first and then as many as the largest size asks for; how many are fixed; the sizes.

    What the plan lacks is planned on, or without a plan afresh. A study without sequential phases has one size, 0.
    """
    from design.generate import generate, sequential_phases

    path = Paths(study.store).plan
    planned = read_plan(path, study) if path.is_file() else []
    sequential = {phase.name for phase in study.phases if phase.criterion is not None}
    n_planned = sum(run.phase in sequential for run in planned)
    if not sequential:
        if sizes:
            raise InputFaults([Fault("", "--runs", list(sizes), "no phase of the study is sequential")])
        planned = planned or generate(study, None)
        return planned, len(planned), [0]
    phases = sequential_phases(study, planned)
    possible = n_planned + sum(phase.n_left for phase in phases)
    if not sizes:
        if not planned:
            expected = "no plan yet: --runs N,N,... plans so many, or `study design --budget N` makes one"
            raise InputFaults([Fault(str(path), "", None, expected)])
        sizes = [min(round(fraction * n_planned), possible) for fraction in FRACTIONS]
    expected = f"the sequential phases have {possible:,} possible runs"
    raise_all(Fault("", "--runs", size, expected) for size in sizes if size > possible)
    runs = generate(study, max(n_planned, *sizes), planned)
    fixed = [run for run in runs if run.phase not in sequential]
    return fixed + [run for run in runs if run.phase in sequential], len(fixed), sorted(set(sizes))


def plan_rows(study: Study, runs: Sequence[Run]) -> pd.DataFrame:
    """Runs as rows of the plan, with what models are made of."""
    return pd.DataFrame(
        {"run_id": run.run_id, "strategy": run.strategy, "n_sources": run.n_sources, **run_columns(study, run)}
        for run in runs
    )


def _counts(text: str | None, key: str) -> tuple[list[int], list[Fault]]:
    """ "88,176,352" as numbers in ascending order, or what is wrong with it; targets are two at least."""
    least = 2 if key == "--targets" else 0
    if text is None:
        return [], []
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", text) or min(map(int, text.split(","))) < least:
        return [], [Fault("", key, text, f"expected numbers from {least} on, such as 7,10")]
    return sorted(set(map(int, text.split(",")))), []


def _term_faults(
    study: Study, sizes: Sequence[int], effects: Sequence[str], deviations: Sequence[str]
) -> tuple[Fault, ...]:
    """What is wrong with the terms beside other faults, as far as there are runs that tell which terms there are."""
    from analysis.planning.truth import paper_truth, stated
    from study.coding import first_model

    try:
        planned, _, _ = runs_in_order(study, sizes)
    except InputFaults as error:
        return error.faults if sizes else ()
    coding = first_model(plan_rows(study, planned), study.further_factors)
    try:
        stated(paper_truth(coding), coding, effects, deviations)
    except InputFaults as error:
        return error.faults
    return ()


def _plain(cell: Cell, n_fixed: int) -> dict[str, Any]:
    """A cell as JSON has it: no NaN."""
    rows = [
        {str(key): None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in cell.power.to_dict("records")
    ]
    return {
        "n_targets": cell.n_targets, "n_runs": cell.n_runs - n_fixed, "n_runs_in_all": cell.n_runs,
        "n_failed": cell.n_failed, "n_singular": cell.n_singular, "why_not": cell.why_not, "power": rows,
    }  # fmt: skip


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
