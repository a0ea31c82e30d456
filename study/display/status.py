"""How the status of a sweep looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from study.core.progress import duration
from study.core.run import counted
from study.workflow.estimates import UNTIMED


def draw_status(found: Mapping[str, Any], console: Console) -> None:
    """A few lines: runs, scores, failures by cause, hours, time to go."""
    runs = counted(found["planned"], found["baselines"])
    lines = [
        f"{found['study']}: {found['done']} of {runs} done, {found['running']} running, {found['waiting']} waiting, "
        f"{found['failed']} failed",
        f"scores: {found['scores_done']} of {found['scores_planned']} (runs x targets)",
    ]
    lines += [f"failed ({cause}): {count} runs" for cause, count in found["failed_by_cause"].items()]
    kind = "gpu" if found["cpu_hours_spent"] is None else "cpu"
    spent, left = found[f"{kind}_hours_spent"], found[f"{kind}_hours_left"]
    unit = "GPU-hours of training" if kind == "gpu" else "CPU-hours"
    hours = f"{unit}: {spent:.2g} spent"
    if left:
        hours += f", about {left:.2g} left {found['cost_basis']}"
    lines.append(hours)
    if found["seconds_to_go"]:
        without = "" if found["estimate_is_complete"] else f"; {UNTIMED}"
        lines.append(f"about {duration(found['seconds_to_go'])} to go{without}")
    if found["unverified"]:
        lines.append(
            f"{len(found['unverified'])} results are unverified: they were written without a digest of their rows"
        )
    if found["other_version"]:
        lines.append(f"{len(found['other_version'])} results are of another version of the study file or its targets")
    console.print("\n".join(lines), markup=False, soft_wrap=True)
