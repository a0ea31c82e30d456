"""How `study runs` prints the table of the runs."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.core.factors import BASELINE_PHASE
from study.workflow.runs import FACTOR, SCORE

NOT_SHOWN = ("phase", "replicate", "n_sources", "outcome", "cause")
"""Columns that only JSON and CSV have: a line of a terminal is short."""
UNLIMITED_WIDTH = 10_000


def print_runs(study_name: str, runs: pd.DataFrame) -> None:
    """The table, as wide as it needs where no terminal limits it, and how many runs are how far."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = UNLIMITED_WIDTH
    table = Table(box=SIMPLE, padding=(0, 1))
    shown = [name for name in runs if name not in NOT_SHOWN]
    for name in shown:
        heading = Text(name.removeprefix(SCORE).removeprefix(FACTOR))
        folds = name == "sources" or name.startswith((SCORE, FACTOR))
        number = name.startswith(SCORE)
        table.add_column(heading, no_wrap=not folds, overflow="fold", justify="right" if number else "left")
    for row in runs.to_dict("records"):
        table.add_row(*(Text(_cell(name, row)) for name in map(str, shown)))
    console.print(table)
    n_baselines = int((runs["phase"] == BASELINE_PHASE).sum())
    states = ", ".join(f"{count} {state}" for state, count in runs["state"].value_counts().items())
    summary = f"{study_name}: {len(runs) - n_baselines} runs and {n_baselines} baselines: {states}"
    console.print(summary, markup=False)


def _cell(name: str, row: dict[Any, Any]) -> str:
    value = row[name]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if name == "state":
        reasons = (row["cause"], row["outcome"] if row["outcome"] != "ok" else None)
        return ", ".join([value, *(reason for reason in reasons if isinstance(reason, str))])
    if name.startswith(SCORE):
        return f"{value:.3f}"
    return f"{value:g}" if isinstance(value, float) else str(value)
