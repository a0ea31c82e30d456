"""How power is shown: one table per number of targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.display.shown import WIDTH


def draw_power_table(facts: Mapping[str, Any], console: Console) -> None:
    """One table per number of targets: the percentage of studies that detect an effect, by number of runs."""
    console.width = max(console.width, WIDTH)
    but = f", except {', '.join(facts['stated'])}" if facts["stated"] else ""
    console.print(
        f"{facts['study']}: percentage of {facts['simulations']:,} simulated studies in which an effect is "
        f"significant at {facts['alpha']:g}, with its 95 % interval; effects and variances {facts['basis']}{but}",
        markup=False,
    )
    for n_targets in dict.fromkeys(cell["n_targets"] for cell in facts["cells"]):
        cells = [cell for cell in facts["cells"] if cell["n_targets"] == n_targets]
        table = Table(title=f"{n_targets} targets; runs of the sequential phases (of all)", box=SIMPLE, padding=(0, 1))
        table.add_column("effect", no_wrap=True)
        table.add_column("value", justify="right", no_wrap=True)
        for cell in cells:
            table.add_column(f"{cell['n_runs']} ({cell['n_runs_in_all']})", justify="right", no_wrap=True)
        table.add_column(f"smallest, {cells[-1]['n_runs']}", justify="right", no_wrap=True)
        for row in next((cell["power"] for cell in cells if cell["power"]), []):
            by_size = [{power["effect"]: power for power in cell["power"]}.get(row["effect"]) for cell in cells]
            smallest = by_size[-1] and by_size[-1]["smallest"]
            table.add_row(
                Text(row["effect"]),
                f"{row['value']:.2f}",
                *map(_percent, by_size),
                "-" if smallest is None else f"{smallest:.2f}",
            )
        table.add_section()
        for name, key in (("failed fits, %", "n_failed"), ("singular fits, %", "n_singular")):
            table.add_row(name, "", *(f"{100 * cell[key] / facts['simulations']:.1f}" for cell in cells))
        console.print(table)
        for cell in cells:
            if cell["why_not"]:
                console.print(f"{cell['n_runs']} runs: {cell['why_not']}", markup=False)
    console.print(
        "Slopes, levels of a factor and differences of strategies at n* = 0: simultaneous intervals in each family. "
        f"Smallest: the effect with a power of {facts['smallest_at_power']:.0%}, in {facts['table']} for all numbers "
        "of runs",
        markup=False,
        soft_wrap=True,
    )


def _percent(row: Mapping[str, Any] | None) -> str:
    if row is None or row["power"] is None:
        return "-"
    return f"{100 * row['power']:.0f} ({100 * row['power_low']:.0f}-{100 * row['power_high']:.0f})"
