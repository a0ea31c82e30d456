"""How a step of the work says what it is doing: it is given a function for lines, and prints nothing itself."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]


def silent(line: str) -> None:
    """Say nothing: what a caller that wants no lines passes."""
