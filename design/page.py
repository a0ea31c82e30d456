"""The design's page: what a plan costs and what it will be able to tell, to be read before anything is run."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Template
from matplotlib.figure import Figure

from design.aliasing import alias_matrix
from design.alternatives import alternatives
from design.candidates import Candidates, Factor
from design.diagnostics import PhaseDiagnostics, aliasing_table, diagnose, level_table, shown_sizes
from design.expected_errors import expected_errors
from design.figures import fraction_figure, level_bars, margin_figure, prefix_curves
from design.generate import in_turn
from design.information import term_names
from design.notes import on_baselines, on_phases, on_unused_levels
from design.phases import sequential_phases
from design.verdict import FURTHER_RUNS, KINDS, margin_curve, verdict
from study.core.columns import SOURCE, factor_column, source_column
from study.core.content import csv_bytes
from study.core.durations import Unit
from study.core.run import Run
from study.core.strategies import StrategyLevels
from study.core.study_file import Study
from study.core.writing import remove_folder, write_whole
from study.pages.figures import correlation_map, drawing, png
from study.pages.html import environment

MAXIMUM_PAIRS = 200
"""Pairs of sources that the map of neglected interactions shows at most."""


@dataclass(frozen=True)
class Page:
    """What is said of a plan: files by their path within the design folder, and `summary`, plain data.

    `summary` has `largest_unbalance` and `largest_aliasing` of the sequential phases at their end, `prefixes` (a row a
    phase and shown number of runs), `unbalance` (by phase and factor), `hours_by_phase`, and `notes` in words.
    """

    files: Mapping[str, bytes]
    summary: dict[str, Any]


def design_page(
    study: Study,
    runs: Sequence[Run],
    cost_hours: Callable[[Run], float | None] = lambda run: None,
    cost_basis: str = "at the reference rate",
    cost_unit: Unit = "GPU-hours",
    notes: Sequence[str] = (),
    smallest: Mapping[float, Mapping[str, float]] | None = None,
) -> Page:
    """design.html (self-contained), balance.csv, aliasing.csv, prefixes.csv, standard_errors.csv and figures/.

    `cost_basis` says where the hours come from; `notes` are said beside those that the plan itself gives rise to.
    `smallest` are the smallest effects that studies simulated over this plan find (`verdict`).
    """
    by_phase = {name: [run for run in runs if run.phase == name] for name in dict.fromkeys(run.phase for run in runs)}
    phases = {phase.phase.name: phase for phase in sequential_phases(study) if by_phase.get(phase.phase.name)}
    found = [diagnose(study, phase, by_phase[name]) for name, phase in phases.items()]
    tried = {name: alternatives(study, phase, by_phase[name]) for name, phase in phases.items()}
    fixed = [run for run in runs if run.phase not in phases]
    sequential = [run for run in runs if run.phase in phases]
    errors = expected_errors(study, fixed, sequential)
    further = list(islice(in_turn(study, sequential_phases(study, runs)), FURTHER_RUNS))
    said = verdict(study, runs, further, smallest or {})
    levels = level_table(study, runs)
    scopes = {name: by_phase[name] for name in phases} or {"all": list(runs)}
    maps = {name: aliasing_table(*_as_codes(study, of)) for name, of in scopes.items()}
    costs = {name: [cost_hours(run) for run in of] for name, of in by_phase.items()}
    hours = {name: None if None in of else math.fsum(of) for name, of in costs.items()}  # type: ignore[arg-type]
    prefixes = pd.concat([_prefix_rows(each) for each in found]) if found else pd.DataFrame()
    notes = [*notes, *on_phases(found), *on_unused_levels(study, levels), *on_baselines(study, cost_hours, cost_unit)]
    with drawing():
        pictures = _pictures(study, scopes, maps, levels, found) | _precision(study, fixed, sequential, cost_hours)
        images = {name: png(figure) for name, figure in pictures.items()}
    html = _template().render(
        study=study,
        n_runs=len(runs),
        phases=[(name, len(of), hours[name]) for name, of in by_phase.items()],
        cost=f"{cost_unit}, {cost_basis}",
        verdict=said,
        found=found,
        prefixes=prefixes.to_dict("records"),
        errors=errors[errors.n_runs.isin([*shown_sizes(len(sequential)), 0])].set_index("n_runs"),
        notes=notes,
        tried=tried,
        images={name: base64.b64encode(content).decode() for name, content in images.items()},
        scopes=list(scopes),
    )
    tables = {"balance": levels, "aliasing": pd.concat([_long(name, table) for name, table in maps.items()])}
    files = {f"{name}.csv": _csv(table) for name, table in (tables | _by_phase(found, tried)).items()}
    files |= {"standard_errors.csv": _csv(errors), "design.html": html.encode()}
    files |= {f"figures/{name}.png": content for name, content in images.items()}
    summary = {"hours_by_phase": hours, "verdict": said, "prefixes": _plain(prefixes), "notes": notes}
    return Page(files, summary | _ends(found))


def write_page(page: Page, folder: Path) -> None:
    """Write the page's files into the folder, in place of those of another plan."""
    remove_folder(folder / "figures")
    for name, content in page.files.items():
        write_whole(folder / name, content)


def _prefix_rows(each: PhaseDiagnostics) -> pd.DataFrame:
    return each.prefixes.merge(each.canonical, on="n_runs").assign(phase=each.name)


def _by_phase(found: Sequence[PhaseDiagnostics], tried: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables that there are of sequential phases alone."""
    if not found:
        return {}
    return {
        "prefixes": pd.concat([each.prefixes.assign(phase=each.name) for each in found]),
        "alternatives": pd.concat([table.assign(phase=name) for name, table in tried.items()]),
    }


def _ends(found: Sequence[PhaseDiagnostics]) -> dict[str, Any]:
    """Unbalance and aliasing of the sequential phases at their end, for the summary."""
    unbalance = {"unbalance": {each.name: each.unbalance for each in found}}
    if not found:
        return unbalance
    ends = [each.prefixes.iloc[-1] for each in found]
    return unbalance | {
        "largest_unbalance": max(int(end.unbalance) for end in ends),
        "largest_aliasing": round(max(float(end.aliasing) for end in ends), 3),
    }


def _precision(
    study: Study, fixed: Sequence[Run], sequential: Sequence[Run], cost_hours: Callable[[Run], float | None]
) -> dict[str, Figure]:
    """The curve of precision by number of runs, if there is more than one number."""
    curve = margin_curve(study, fixed, sequential, shown_sizes(len(sequential)))
    if len(curve) < 2:
        return {}
    return {"precision": margin_figure(curve, KINDS, _hours_spent(fixed, sequential, curve, cost_hours))}


def _hours_spent(
    fixed: Sequence[Run], sequential: Sequence[Run], curve: pd.DataFrame, cost: Callable[[Run], float | None]
) -> list[float] | None:
    """Hours of all runs at each number of sequential runs of the curve; None while they are not known."""
    known = [cost(run) for run in [*fixed, *sequential]]
    if None in known or curve.empty:
        return None
    total = np.cumsum([0.0, *known])
    return [float(total[len(fixed) + size]) for size in curve.n_runs]


def _pictures(
    study: Study,
    scopes: Mapping[str, Sequence[Run]],
    maps: Mapping[str, pd.DataFrame],
    levels: pd.DataFrame,
    found: Sequence[PhaseDiagnostics],
) -> dict[str, Figure]:
    pictures = {"balance": level_bars(levels)}
    for name, of in scopes.items():
        pictures[f"aliasing_{name}"] = correlation_map(maps[name], "correlation")
        interactions = _interactions(study, of)
        if interactions is not None:
            pictures[f"interactions_{name}"] = correlation_map(interactions, "added to the estimate")
    for each in found:
        pictures[f"prefixes_{each.name}"] = prefix_curves(each.prefixes, each.canonical)
        if np.isfinite(each.fractions).all():
            pictures[f"fractions_{each.name}"] = fraction_figure(each.fractions)
    return pictures


def _interactions(study: Study, runs: Sequence[Run]) -> pd.DataFrame | None:
    """The alias matrix of the main effects by neglected interactions of two sources; None if there is none to show."""
    candidates, codes = _as_codes(study, runs)
    present = 2.0 * codes[:, 1 : 1 + len(study.sources)] - 1
    pairs = list(itertools.combinations(range(len(study.sources)), 2))
    if not 0 < len(pairs) <= MAXIMUM_PAIRS:
        return None
    neglected = np.column_stack([present[:, one] * present[:, other] for one, other in pairs])
    names = list(study.sources)
    terms = [name.removeprefix(SOURCE) for name in term_names(candidates.factors)]
    matrix = alias_matrix(candidates.factors, codes, neglected)
    return pd.DataFrame(matrix, terms, [f"{names[one]} x {names[other]}" for one, other in pairs])


def _as_codes(study: Study, runs: Sequence[Run]) -> tuple[Candidates, np.ndarray]:
    """The runs as level numbers of the levels that occur among them (n_runs, n_factors), with their factors."""
    strategies = tuple(name for name in study.strategies if any(run.strategy == name for run in runs))
    factors = (
        Factor("strategy", StrategyLevels(strategies, study.known_strategies)),
        *(Factor(source_column(name), (False, True)) for name in study.sources),
        *(Factor(factor_column(name), levels) for name, levels in study.further_factors.items()),
        Factor("n_sources", tuple(sorted({run.n_sources for run in runs}))),
    )
    candidates = Candidates(factors, np.zeros((0, len(factors)), dtype=np.uint8))
    return candidates, candidates.codes_of(runs)


def _long(scope: str, table: pd.DataFrame) -> pd.DataFrame:
    return (
        table.rename_axis("term")
        .melt(ignore_index=False, var_name="other", value_name="correlation")
        .reset_index()
        .assign(phase=scope)
    )


def _csv(table: pd.DataFrame) -> bytes:
    return csv_bytes(table, float_format="%.6g")


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON has them: no NaN."""
    return [
        {str(key): None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _template() -> Template:
    made = environment(Path(__file__).parent)
    made.filters["number"] = lambda value, digits=3: "" if value is None or math.isnan(value) else f"{value:.{digits}f}"
    return made.get_template("page.html.j2")
