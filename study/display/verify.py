"""How what `study verify` found is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from study.display.sizes import size


def draw_verify(facts: Mapping[str, Any], console: Console) -> None:
    """A line for each finding, by kind; what was read; how many files have no digest."""
    lines = [
        f"{kind}: {found['file']}: " + "; ".join(filter(None, (found["problem"], found["remedy"])))
        for kind in ("damaged", "unreadable", "changed")
        for found in facts[kind]
    ]
    counts = ", ".join(f"{len(facts[kind])} {kind}" for kind in ("damaged", "unreadable", "changed") if facts[kind])
    lines.append(f"{facts['study']}: {facts['files']} files read, {size(facts['bytes'])}: {counts or 'all as written'}")
    if facts["unverified"]:
        lines.append(f"{len(facts['unverified'])} files are unverified: they were written without a digest")
    console.print("\n".join(lines), markup=False, soft_wrap=True)
