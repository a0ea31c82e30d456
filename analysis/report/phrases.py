"""What sentences of the report are made of: effects by verdict, each with its interval, p and caveat."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.contrasts import HIGHER, LOWER, NOT_SIGNIFICANT, verdicts
from analysis.verdict_rows import Fragile
from analysis.wording import listed, number, p_shown

LONGEST = 400
"""Characters of a sentence."""


def by_verdict(names: pd.Series, rows: pd.DataFrame, p: pd.Series, notes: pd.Series | None = None) -> str:
    """What is higher, what is lower, and what is not significant; the first of each with its unit."""
    said = verdicts(rows["estimate"], p)
    titles = {HIGHER: "higher for", LOWER: "lower for", NOT_SIGNIFICANT: "not significantly different for"}
    return "; ".join(
        f"{title} {listed(with_interval(names[said == verdict], rows[said == verdict], p, notes))}"
        for verdict, title in titles.items()
        if (said == verdict).any()
    )


def with_interval(names: pd.Series, rows: pd.DataFrame, p: pd.Series, notes: pd.Series | None = None) -> list[str]:
    said = pd.Series("", rows.index) if notes is None else notes[rows.index]
    full = [
        f"{name} {size(row, own, note)}"
        for name, row, own, note in zip(names, rows.itertuples(), p[rows.index], said, strict=True)
    ]
    return [*full[:1], *(one.replace(" SD (95 % CI ", " (", 1) for one in full[1:])]


def notes_on(effects: pd.Series, fragile: Fragile) -> pd.Series:
    return effects.map(lambda effect: note_on(effect, fragile))


def note_on(effect: str, fragile: Fragile) -> str:
    """Whether a significant effect is robust, as far as that was looked at."""
    if effect not in fragile:
        return ""
    return f"; not robust: {fragile[effect]} it is not" if fragile[effect] else "; robust"


def size(row: Any, p: float, note: str = "") -> str:
    """`+0.42 SD (95 % CI 0.18 to 0.66; p = 0.012; robust)`."""
    interval = f"95 % CI {number(row.ci_low)} to {number(row.ci_high)}"
    return f"{'+' * (row.estimate > 0)}{number(row.estimate)} SD ({interval}; {p_shown(p)}{note})"
