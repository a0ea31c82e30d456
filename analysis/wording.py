"""Numbers and lists as sentences and tables say them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd


def number(value: float, decimals: int = 2) -> str:
    """So many decimals, but three below 0.1, with a true minus."""
    shown = f"{value:.{decimals if abs(value) >= 0.095 else 3}f}"
    return shown.replace("-", "\N{MINUS SIGN}")


LEAST_P = 0.001


def p_value(p: float) -> str:
    """Two significant digits, no smaller than 0.001."""
    return f"< {LEAST_P}" if p < LEAST_P else f"{p:.2g}"


def p_shown(p: float) -> str:
    """`p < 0.001` or `p = 0.012`."""
    return f"p {'' if p < LEAST_P else '= '}{p_value(p)}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def called(effect: str) -> str:
    """An effect in words."""
    if effect == "r_star":
        return "largest \N{MINUS SIGN} smallest network"
    named = re.sub(r"strategy\[(.*)\]:n_star", r"a further source with \1", effect)
    return named.replace(" at the mean number of sources", " (mean n)").replace(" - ", " \N{MINUS SIGN} ")


def few(names: Sequence[str], at_most: int = 4) -> list[str]:
    """The first names, and how many more there are, for `listed`."""
    names = list(names)
    rest = len(names) - at_most
    return names if rest <= 1 else [*names[:at_most], f"{rest} more"]


def in_brief(parts: Sequence[str], room: int) -> str:
    """As many of the parts as there is room for (at least one), and how many more there are."""
    kept, used = 1, len(parts[0])
    while kept < len(parts) and used + len(parts[kept]) + 2 <= room:
        used, kept = used + len(parts[kept]) + 2, kept + 1
    more = len(parts) - kept
    return listed([*parts[:kept], f"{more} more"] if more else parts)


MOST_TARGETS, FEW_TARGETS = 12, 2
"""Parts by target that a sentence has in full, and how many it has where there are more."""


def by_target(parts: Sequence[str]) -> str:
    """A part for each target; of more than `MOST_TARGETS` the first few, and how many more there are."""
    if len(parts) <= MOST_TARGETS:
        return "; ".join(parts)
    return "; ".join([*parts[:FEW_TARGETS], f"and {len(parts) - FEW_TARGETS} more (in the tables)"])


def cell(value: object) -> str:
    """A cell of a table: four significant digits, small p values as such, an en dash for what is not there."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if pd.isna(value):
            return "–"
        return f"{value:.4g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.1e}"
    return str(value)
