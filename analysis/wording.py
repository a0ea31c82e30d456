"""Numbers and lists as sentences say them."""

from __future__ import annotations

from collections.abc import Sequence


def number(value: float, decimals: int = 2) -> str:
    """So many decimals, but three below 0.1, with a true minus."""
    shown = f"{value:.{decimals if abs(value) >= 0.095 else 3}f}"
    return shown.replace("-", "\N{MINUS SIGN}")


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
