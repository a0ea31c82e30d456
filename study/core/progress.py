"""How work reports its progress: it is given a function that says a line, and prints nothing itself."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]


def silent(line: str) -> None:
    """Say nothing: for callers that want no lines."""


def duration(seconds: float) -> str:
    """ "4s", "3m 05s", "2h 10m", "4d 3h"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"
