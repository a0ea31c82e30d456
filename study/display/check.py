"""How the result of a check looks: faults, warnings, and what a run costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from study.core.errors import shown
from study.workflow.check import Checked


def draw_check(found: Checked, facts: Mapping[str, Any], console: Console) -> None:
    """A line for each fault and warning; where there is no fault, that and the cost of a run."""
    lines = [*shown(found.faults), *(f"warning: {caution}" for caution in found.cautions)]
    if not found.faults:
        lines.append("no fault in the study file, its tables and its sound")
    if found.cost:
        lines.append(str(found.cost))
    console.print("\n".join(lines), markup=False, soft_wrap=True)
