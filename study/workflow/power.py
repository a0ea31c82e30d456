"""Power by simulation: which effects the plan can detect, and what more runs or targets would gain."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from study.core.columns import factor_column
from study.core.content import csv_bytes
from study.core.errors import Fault, InputFaults, raise_all
from study.core.paths import Paths
from study.core.plan import read_plan, run_columns
from study.core.progress import Tell, silent
from study.core.run import Run, study_seed_sequence
from study.core.study_file import Study
from study.core.writing import write_whole

if TYPE_CHECKING:
    from analysis.planning.power import Cell

FRACTIONS = (0.25, 0.5, 1.0, 2.0)
"""Default sizes, as fractions of the plan's sequential runs, as far as there are candidates."""


@dataclass(frozen=True)
class PowerOptions:
    """What is simulated."""

    sizes: Sequence[int] = ()
    """Numbers of sequential runs; empty: `FRACTIONS` of the plan."""
    n_targets: Sequence[int] = ()
    """Numbers of targets; empty: the study's, and twice as many."""
    effects: Sequence[str] = ()
    """Sizes of fixed effects, as TERM=VALUE."""
    deviations: Sequence[str] = ()
    """Standard deviations between targets, or of `residual`, as TERM=VALUE."""
    fitted: bool = False
    """All other effects and variances from report/fit.json; otherwise near the paper's."""
    n_simulations: int = 1000


def study_power(
    study: Study,
    options: PowerOptions = PowerOptions(),
    tell: Tell = silent,
    show: Callable[[int], None] = lambda n_done: None,
) -> dict[str, Any]:
    """Simulate power by numbers of runs and targets, write it to power/, and return it for the terminal."""
    import numpy as np

    from analysis.contrasts import ALPHA
    from analysis.planning.power import WANTED, Grid
    from analysis.planning.power import power as simulate
    from analysis.planning.power_figure import draw_power
    from analysis.planning.truth import fitted_truth, paper_truth, stated
    from study.core.coding import first_model

    paths, n_simulations = Paths(study.store), options.n_simulations
    try:
        planned, n_fixed, sizes = runs_in_order(study, options.sizes)
    except InputFaults as error:
        faults = term_faults(study, [], options.effects, options.deviations)
        raise InputFaults([*error.faults, *faults]) from None
    frame = plan_rows(study, planned)
    coding = first_model(frame, study.further_factors, study.known_strategies)
    basis = fitted_truth(paths.report / "fit.json", coding) if options.fitted else paper_truth(coding)
    truth = stated(basis, coding, options.effects, options.deviations)
    for name in study.evaluation_factors:
        tell(f"{factor_column(name)} acts on the evaluation and is not simulated: one score per run and target")
    n_targets = options.n_targets or (max(2, len(study.targets)), 2 * len(study.targets))
    grid = Grid([n_fixed + size for size in sizes], n_targets, n_simulations)
    rng = np.random.default_rng(study_seed_sequence(study, "power"))
    cells = simulate(frame, study.further_factors, truth, grid, rng, show, study.known_strategies)
    plain = [_plain(cell, n_fixed) for cell in cells]
    write_whole(paths.power / "power.csv", csv_bytes(pd.DataFrame(_rows(plain))))
    draw_power(cells, paths.power, study.known_strategies)
    return {
        "study": study.name,
        "simulations": n_simulations,
        "alpha": ALPHA,
        "smallest_at_power": WANTED,
        "basis": "report/fit.json" if options.fitted else "near the paper's",
        "stated": [*options.effects, *options.deviations],
        "effects": dict(truth.effects),
        "sd": {**truth.sd, "residual": truth.residual_sd},
        "cells": plain,
        "table": str(paths.power / "power.csv"),
        "figure": str(paths.power / "power.png"),
    }


def _rows(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each effect of each cell."""
    return [
        {**{key: value for key, value in cell.items() if key != "power"}, **row}
        for cell in cells
        for row in cell["power"]
    ]


def runs_in_order(study: Study, sizes: Sequence[int]) -> tuple[list[Run], int, list[int]]:
    """The runs (the fixed phases first, then enough for the largest size), the number of fixed ones, and the sizes.

    Runs beyond the plan are added in memory; without a plan, all are new. Without sequential phases, the only size is
    0.
    """
    from design.generate import generate
    from design.phases import n_possible, sequential_phases

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
    possible = n_possible(phases)
    if not sizes:
        if not planned:
            expected = "no plan yet; give --runs N,N,... or make a plan with `study design --budget N`"
            raise InputFaults([Fault(str(path), "", None, expected)])
        sizes = [min(round(fraction * n_planned), possible) for fraction in FRACTIONS]
    expected = f"the sequential phases have {possible:,} possible runs"
    raise_all(Fault("", "--runs", size, expected) for size in sizes if size > possible)
    runs = generate(study, max(n_planned, *sizes), planned)
    fixed = [run for run in runs if run.phase not in sequential]
    return fixed + [run for run in runs if run.phase in sequential], len(fixed), sorted(set(sizes))


def plan_rows(study: Study, runs: Sequence[Run]) -> pd.DataFrame:
    """Runs as rows of the plan, with the columns that models need."""
    return pd.DataFrame(
        {"run_id": run.run_id, "strategy": run.strategy, "n_sources": run.n_sources, **run_columns(study, run)}
        for run in runs
    )


def term_faults(
    study: Study, sizes: Sequence[int], effects: Sequence[str], deviations: Sequence[str]
) -> tuple[Fault, ...]:
    """Faults of the terms, for reporting beside other faults, if there are runs that determine the terms."""
    from analysis.planning.truth import paper_truth, stated
    from study.core.coding import first_model

    try:
        planned, _, _ = runs_in_order(study, sizes)
    except InputFaults as error:
        return error.faults if sizes else ()
    coding = first_model(plan_rows(study, planned), study.further_factors, study.known_strategies)
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
        "n_targets": cell.n_targets,
        "n_runs": cell.n_runs - n_fixed,
        "n_runs_in_all": cell.n_runs,
        "n_failed": cell.n_failed,
        "n_singular": cell.n_singular,
        "why_not": cell.why_not,
        "power": rows,
    }
