"""How `study runs --run ID` prints a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.core.progress import duration
from study.display.consoles import console

BARS = "▁▂▃▄▅▆▇█"
SPARKLINE_WIDTH = 24


def print_detail(detail: dict[str, Any]) -> None:
    """Settings, training, attempts, scores and learning curves of one run."""
    drawing = console()

    def section(title: str, lines: Iterable[str]) -> None:
        for number, line in enumerate(lines):
            drawing.print(f"{title if number == 0 else '':<10} {line}", markup=False, soft_wrap=True)

    drawing.print(f"run {detail['run_id']}: {detail['strategy']} ({detail['phase']}), {detail['state']}", markup=False)
    section("settings", (f"{name}: {_setting(value)}" for name, value in detail["settings"].items()))
    section("training", _on_training(detail["training"]))
    section("attempts", map(_on_attempt, detail["attempts"]))
    section("scores", map(_on_score, detail["scores"]))
    if detail["learning_curves"]:
        _print_curves(drawing, pd.DataFrame(detail["learning_curves"]))


def _setting(value: Any) -> str:
    """A table as `a = 1, b = 2`; nested tables are in brackets."""
    if not isinstance(value, dict):
        return str(value)
    inner = ((name, f"({_setting(item)})" if isinstance(item, dict) else item) for name, item in value.items())
    shown = (f"{name} {item}" if str(item).startswith("(") else f"{name} = {item}" for name, item in inner)
    return ", ".join(shown) or "none"


def _on_training(trained: dict[str, Any] | None) -> list[str]:
    if trained is None:
        return ["not yet"]
    return [
        f"{trained['outcome']}, {trained['train_steps']:,} steps in {duration(trained['train_seconds'])} on "
        f"{trained['device']} ({trained['precision']}, {trained['threads']} threads); {trained['n_parameters']:,} "
        f"parameters, representation of {trained['representation_dim']} dimensions"
    ]


def _on_attempt(attempt: dict[str, Any]) -> str:
    what = " ".join([attempt["kind"], *attempt["targets"]])
    if attempt["finished_at"] is None:
        ended = "no end recorded"
    else:
        began, end = (datetime.fromisoformat(attempt[key]) for key in ("started_at", "finished_at"))
        ended = f"{duration((end - began).total_seconds())}, " + (attempt["cause"] or "ok")
    message = f": {attempt['message']}" if attempt["message"] else ""
    return f"{attempt['started_at'][:19]} {attempt['host']} {what}: {ended}{message}"


def _on_score(score: dict[str, Any]) -> str:
    spread = "" if score["sd"] is None else f" (SD {score['sd']:.3f} over {score['n']} splits)"
    target = score["target"] + (f", {score['setting']}" if score["setting"] else "")
    return f"{target}: {score['metric']} {score['mean']:.3f}{spread}"


def _print_curves(drawing: Console, curves: pd.DataFrame) -> None:
    """Each source's training and validation loss on one scale, with first and last values."""
    table = Table("source", "training loss", "validation loss", box=SIMPLE, padding=(0, 1))
    for source, epochs in curves.groupby("source", sort=False):
        both = epochs[["loss", "validation_loss"]]
        least, most = both.min().min(), both.max().max()
        table.add_row(Text(str(source)), *(_curve(list(both[name]), least, most) for name in both))
    drawing.print(f"learning curves of {curves['epoch'].max()} epochs, first to last:")
    drawing.print(table)


def _curve(losses: Sequence[float], least: float, most: float) -> str:
    known = [loss for loss in losses if not math.isnan(loss)]
    if not known:
        return "none"
    return f"{sparkline(losses, least, most)} {known[0]:.3f} to {known[-1]:.3f}"


def sparkline(values: Sequence[float], least: float, most: float) -> str:
    """Values from `least` to `most` as bars, at most `SPARKLINE_WIDTH` of them, evenly spaced; blank where NaN."""
    n = min(len(values), SPARKLINE_WIDTH)
    spaced = [values[round(k * (len(values) - 1) / max(n - 1, 1))] for k in range(n)]
    scale = (len(BARS) - 1) / (most - least) if most > least else 0.0
    return "".join(" " if math.isnan(value) else BARS[round((value - least) * scale)] for value in spaced)
