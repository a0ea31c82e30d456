"""How `study runs` prints the table of the runs."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from study.core.columns import FACTOR, NUISANCE
from study.core.factors import BASELINE_PHASE
from study.core.run import counted
from study.core.strategies import ALONE
from study.display.consoles import console
from study.workflow.runs import SCORE

NOT_SHOWN = ("phase", "replicate", "n_sources", "outcome", "cause")
"""Columns that only JSON and CSV have; a line on a terminal is short."""
UNLIMITED_WIDTH = 10_000


def print_runs(study_name: str, runs: pd.DataFrame) -> None:
    """Print the table, as wide as needed if no terminal limits it, then the number of runs in each state."""
    drawing = console()
    if not drawing.is_terminal:
        drawing.width = UNLIMITED_WIDTH
    table = Table(box=SIMPLE, padding=(0, 1))
    hidden = (*NOT_SHOWN, *(["strategy"] if runs["strategy"].eq(ALONE).all() else []))
    shown = [str(name) for name in runs if name not in hidden]
    rows = [[_cell(name, row) for name in shown] for row in runs.to_dict("records")]
    for name, cells in zip(shown, zip(*rows, strict=True), strict=True):
        table.add_column(
            Text(name.removeprefix(SCORE).removeprefix(FACTOR).removeprefix(NUISANCE)),
            overflow="fold",
            justify="right" if name.startswith(SCORE) else "left",
            min_width=None if name == "sources" else max(map(len, cells)),
        )
    for row in rows:
        table.add_row(*map(Text, row))
    drawing.print(table, crop=False)
    n_baselines = int((runs["phase"] == BASELINE_PHASE).sum())
    states = ", ".join(f"{count} {state}" for state, count in runs["state"].value_counts().items())
    drawing.print(f"{study_name}: {counted(len(runs), n_baselines)}: {states}", markup=False)


def _cell(name: str, row: dict[Any, Any]) -> str:
    value = row[name]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if name == "state":
        reasons = (row["cause"], row["outcome"] if row["outcome"] != "ok" else None)
        return ", ".join([value, *(reason for reason in reasons if isinstance(reason, str))])
    if name == "sources":
        return str(value).replace("+", ", ")
    if name.startswith(SCORE):
        return f"{value:.3f}"
    return f"{value:g}" if isinstance(value, float) else str(value)
