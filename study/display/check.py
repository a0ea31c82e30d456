"""How the result of a check is shown: faults, warnings, what packages add, and the cost of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from study.core.errors import shown
from study.workflow.check import Checked


def draw_check(checked: Checked, facts: Mapping[str, Any], console: Console) -> None:
    """A line for each fault and warning, or one that there is none; for what packages add; for the cost of a run."""
    lines = [*shown(checked.faults), *(f"warning: {caution}" for caution in checked.cautions)]
    if not checked.faults:
        lines.append("no faults in the study file, its tables or its sound")
    lines += [f"installed: {extension}" for extension in checked.extensions]
    if checked.cost:
        lines.append(str(checked.cost))
    console.print("\n".join(lines), markup=False, soft_wrap=True)
