"""Power by number of runs, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures import colours_of, markers_of, panels, save, shared_legend
from analysis.planning.power import WANTED, Cell
from study.core.strategies import BUILT_IN, Strategies
from study.pages.figures import drawing

LINES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))


def draw_power(cells: Sequence[Cell], folder: Path, strategies: Strategies = BUILT_IN) -> None:
    """Write power.png and power.svg to the folder."""
    with drawing():
        save(power_curves(cells, strategies), folder, "power")


def power_curves(cells: Sequence[Cell], strategies: Strategies = BUILT_IN) -> Figure:
    """Left, what a further source adds; right, each strategy against the next smaller network. A line style a number
    of targets."""
    figure, (left, right) = panels(2, width=4.2, height=3.6, share_y=True)
    slopes = {f"strategy[{name}]:n_star": name for name in strategies}
    steps = {f"{later} - {earlier}": later for earlier, later in pairwise(strategies)}
    style = dict(zip(dict.fromkeys(cell.n_targets for cell in cells), LINES * len(cells), strict=False))
    colour, marker = colours_of(strategies), markers_of(strategies)
    look: dict[str, Any] = {name: {"color": colour[name], "marker": marker[name]} for name in strategies}
    drawn = _curves(left, cells, slopes, style, look) | _curves(right, cells, steps, style, look)
    left.set(title="Each further source", xlabel="runs in all", ylabel="power", ylim=(-0.02, 1.02))
    right.set(title="Against the next smaller network, n* = 0, adjusted", xlabel="runs in all")
    handles = {name: Line2D([], [], **look[name]) for name in strategies if name in drawn}
    handles |= {f"{n} targets": Line2D([], [], color="#555555", linestyle=style[n]) for n in style}
    shared_legend(figure, handles)
    return figure


def _curves(
    axes: Axes, cells: Sequence[Cell], effects: dict[str, str], style: Mapping[int, Any], look: Mapping[str, Any]
) -> set[str]:
    """One line an effect and number of targets, with Monte-Carlo intervals; the strategies drawn."""
    drawn = set()
    axes.axhline(WANTED, color="#999999", linewidth=0.8)
    for n_targets in style:
        here = sorted((cell for cell in cells if cell.n_targets == n_targets), key=lambda cell: cell.n_runs)
        tables = [(cell.n_runs, cell.power.set_index("effect")) for cell in here if cell.why_not is None]
        for effect, strategy in effects.items():
            rows = [(n, table.loc[effect]) for n, table in tables if effect in table.index]
            rows = [(n, row) for n, row in rows if row["power"] == row["power"]]
            if not rows:
                continue
            drawn.add(strategy)
            runs, power = [n for n, _ in rows], [row["power"] for _, row in rows]
            axes.plot(runs, power, markersize=5, linestyle=style[n_targets], **look[strategy])
            axes.vlines(
                runs,
                [row["power_low"] for _, row in rows],
                [row["power_high"] for _, row in rows],
                color=look[strategy]["color"],
                linewidth=0.9,
            )
    return drawn
