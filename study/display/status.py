"""How the status of a sweep is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from study.core.progress import duration
from study.core.run import counted
from study.display.sizes import size
from study.workflow.estimates import UNTIMED


def draw_status(facts: Mapping[str, Any], console: Console) -> None:
    """A few lines: runs, scores, failures by cause, hours, time to go."""
    runs = counted(facts["planned"], facts["baselines"])
    lines = [
        f"{facts['study']}: {facts['done']} of {runs} done, {facts['running']} running, {facts['waiting']} waiting, "
        f"{facts['failed']} failed",
        f"scores: {facts['scores_done']} of {facts['scores_planned']} (runs x targets)",
    ]
    lines += [f"failed ({cause}): {count} runs" for cause, count in facts["failed_by_cause"].items()]
    kind = "gpu" if facts["cpu_hours_spent"] is None else "cpu"
    spent, left = facts[f"{kind}_hours_spent"], facts[f"{kind}_hours_left"]
    unit = "GPU-hours of training" if kind == "gpu" else "CPU-hours"
    hours = f"{unit}: {spent:.2g} spent"
    if left:
        hours += f", about {left:.2g} left {facts['cost_basis']}"
    lines.append(hours)
    if facts["seconds_to_go"]:
        without = "" if facts["estimate_is_complete"] else f"; {UNTIMED}"
        lines.append(f"about {duration(facts['seconds_to_go'])} to go{without}")
    if sizes := facts["store_bytes"]:
        parts = sorted(sizes, key=sizes.__getitem__, reverse=True)
        held = ", ".join(f"{name} {size(sizes[name])}" for name in parts)
        lines.append(f"store: {size(sum(sizes.values()))} ({held})")
    if facts["unverified"]:
        lines.append(
            f"{len(facts['unverified'])} results are unverified: they were written without a digest of their rows"
        )
    if facts["other_version"]:
        lines.append(f"{len(facts['other_version'])} results are from another version of the study file or its targets")
    console.print("\n".join(lines), markup=False, soft_wrap=True)
