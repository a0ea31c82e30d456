"""What the findings state as rows: the same columns whichever exhibit states it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.contrasts import verdicts

COLUMNS = (
    "family",
    "effect",
    "target",
    "verdict",
    "estimate",
    "ci_low",
    "ci_high",
    "p",
    "p_holm",
    "n_family",
    "robust",
)
Fragile = Mapping[str, str]
"""Of each significant effect, under which treatments it is not; `analysis.sensitivity.not_robust`."""
NONE_FRAGILE: Fragile = {}


def verdict_rows(
    rows: pd.DataFrame, fragile: Fragile = NONE_FRAGILE, called: Sequence[str] | None = None
) -> pd.DataFrame:
    """`COLUMNS` of statements: `family, effect, estimate, ci_low, ci_high, p_adjusted, p_holm` and perhaps `target`.

    `effect` is what `fragile` knows it by, and is replaced by `called`; `target` is empty for what holds on all;
    `n_family` counts the family's statements; `robust` is `yes`, `no: ` and under which treatments not, or empty where
    nothing is significant or nothing was tried.
    """
    if rows.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    own = rows.assign(
        p=rows["p_adjusted"],
        verdict=verdicts(rows["estimate"], rows["p_adjusted"]),
        n_family=rows.groupby("family")["family"].transform("size"),
        robust=[robust(effect, fragile) for effect in rows["effect"]],
        effect=rows["effect"] if called is None else list(called),
        target=rows.get("target", ""),
    )
    return own[list(COLUMNS)].reset_index(drop=True)


def robust(effect: str, fragile: Fragile) -> str:
    """`yes`, `no: ` and under which treatments not, or empty where nothing was tried."""
    if effect not in fragile:
        return ""
    return f"no: {fragile[effect]}" if fragile[effect] else "yes"
