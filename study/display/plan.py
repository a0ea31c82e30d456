"""How a plan is shown, with its quality wherever it is stopped, and tables of runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from study.core.progress import duration


def draw_plan(facts: Mapping[str, Any], console: Console) -> None:
    """The planned runs, their cost, and the quality of the plan wherever it is stopped."""
    phases = ", ".join(f"{count} {name}" for name, count in facts["runs_by_phase"].items())
    console.print(
        f"{facts['study']}: {facts['runs']} runs planned ({phases}) + {facts['baselines']} baselines", markup=False
    )
    if facts["failed"]:
        planned = f", {facts['replaced']} of them planned before" if facts["replaced"] else ""
        console.print(
            f"{facts['failed']} runs failed for reasons of their own and are not planned{planned}; "
            "--retry-failed plans them again"
        )
    for line in _cost_lines(facts):
        console.print(line, markup=False)
    for sentence in facts["verdict"]:
        console.print(sentence, markup=False)
    for phase in dict.fromkeys(row["phase"] for row in facts["prefixes"]):
        table = Table(
            "runs",
            "imbalance",
            "aliasing\n(at least)",
            "source-\nsource",
            "source-\nstrategy",
            "D-efficiency, %\n(at most)",
            title=phase,
        )
        for row in facts["prefixes"]:
            if row["phase"] != phase:
                continue
            least = max(row["aliasing_bound_size"], row["aliasing_bound_balance"])
            efficiency = "-" if row["d_efficiency"] is None else f"{row['d_efficiency']:.1f}"
            table.add_row(
                str(row["n_runs"]),
                str(row["unbalance"]),
                f"{row['aliasing']:.3f} ({least:.3f})",
                f"{row['source_source']:.3f}",
                f"{row['source_strategy']:.3f}",
                f"{efficiency} ({row['d_efficiency_bound']:.1f})",
            )
        console.print(table)
        by_factor = ", ".join(f"{name} {value}" for name, value in facts["unbalance"][phase].items())
        console.print(f"imbalance by factor: {by_factor}", markup=False)
    for note in facts["notes"]:
        console.print(note, markup=False)
    console.print(f"see {facts['page']}", markup=False, soft_wrap=True)


def _cost_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """The cost and duration of the plan, as far as known."""
    hours = facts["hours_by_phase"]
    if None not in hours.values():
        by_phase = ", ".join(f"{name} {value:.2g}" for name, value in hours.items())
        yield f"about {sum(hours.values()):.2g} {facts['cost_unit']} {facts['cost_basis']} ({by_phase})"
    if facts["cost_note"]:
        yield facts["cost_note"]
    if facts["seconds_to_go"]:
        yield f"about {duration(facts['seconds_to_go'])} to go for the steps not done yet"


def draw_evaluation(tables: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Figures, unbalance and standard errors, one column per table."""
    for part, title in (("figures", None), ("unbalance", "imbalance"), ("errors", "standard error, residual SDs")):
        shown = Table("", *(table["name"] for table in tables), title=title)
        for name in dict.fromkeys(name for table in tables for name in table[part]):
            shown.add_row(name, *(_cell(table[part].get(name)) for table in tables))
        console.print(shown)
    for table in tables:
        for column, reason in table["left_out"].items():
            console.print(f"{table['name']}: {column} is left out: {reason}", markup=False)


def _cell(value: float | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
