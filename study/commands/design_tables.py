"""What `study design` prints: a plan wherever it is stopped, and tables of runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from study.commands.terminal import duration


def print_plan(found: dict[str, Any]) -> None:
    """What was planned, what it costs, and how good it is wherever it is stopped."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    phases = ", ".join(f"{count} {name}" for name, count in found["runs_by_phase"].items())
    console.print(f"{found['study']}: {found['runs']} runs planned ({phases})", markup=False)
    if found["failed"]:
        planned = f", {found['replaced']} of them planned before" if found["replaced"] else ""
        console.print(f"{found['failed']} runs failed for a cause of their own and are not planned{planned}; "
                      "--retry-failed plans them again")  # fmt: skip
    hours = found["hours_by_phase"]
    if None not in hours.values():
        by_phase = ", ".join(f"{name} {value:.2g}" for name, value in hours.items())
        cost = f"about {sum(hours.values()):.2g} {found['cost_unit']} {found['cost_basis']}"
        console.print(f"{cost} ({by_phase})", markup=False)
    if found["cost_note"]:
        console.print(found["cost_note"], markup=False)
    if found["seconds_to_go"]:
        console.print(f"about {duration(found['seconds_to_go'])} to go for what is not done yet", markup=False)
    for sentence in found["verdict"]:
        console.print(sentence, markup=False)
    for phase in dict.fromkeys(row["phase"] for row in found["prefixes"]):
        table = Table("runs", "unbalance", "aliasing\n(at least)", "source-\nsource", "source-\nstrategy",
                      "D-efficiency, %\n(at most)", title=phase)  # fmt: skip
        for row in found["prefixes"]:
            if row["phase"] != phase:
                continue
            least = max(row["aliasing_bound_size"], row["aliasing_bound_balance"])
            efficiency = "-" if row["d_efficiency"] is None else f"{row['d_efficiency']:.1f}"
            table.add_row(
                str(row["n_runs"]), str(row["unbalance"]), f"{row['aliasing']:.3f} ({least:.3f})",
                f"{row['source_source']:.3f}", f"{row['source_strategy']:.3f}",
                f"{efficiency} ({row['d_efficiency_bound']:.1f})",
            )  # fmt: skip
        console.print(table)
        by_factor = ", ".join(f"{name} {value}" for name, value in found["unbalance"][phase].items())
        console.print(f"unbalance by factor: {by_factor}", markup=False)
    for note in found["notes"]:
        console.print(note, markup=False)
    console.print(f"see {found['page']}", markup=False, soft_wrap=True)


def print_evaluation(tables: Sequence[dict[str, Any]]) -> None:
    """Figures, unbalance and standard errors, a column a table."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for part, title in (("figures", None), ("unbalance", "unbalance"), ("errors", "standard error, residual SDs")):
        shown = Table("", *(table["name"] for table in tables), title=title)
        for name in dict.fromkeys(name for table in tables for name in table[part]):
            shown.add_row(name, *(_cell(table[part].get(name)) for table in tables))
        console.print(shown)
    for table in tables:
        for column, reason in table["left_out"].items():
            console.print(f"{table['name']}: {column} is left out: {reason}", markup=False)


def _cell(value: float | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
