"""How power looks: a table for each number of targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.display.shown import WIDTH


def draw_power_table(found: Mapping[str, Any], console: Console) -> None:
    """A table a number of targets: percent of the studies in which an effect is found, by number of runs."""
    console.width = max(console.width, WIDTH)
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


def _percent(row: Mapping[str, Any] | None) -> str:
    if row is None or row["power"] is None:
        return "-"
    return f"{100 * row['power']:.0f} ({100 * row['power_low']:.0f}-{100 * row['power_high']:.0f})"
