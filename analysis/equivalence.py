"""Whether a difference is too small to matter: its interval lies within a margin that the user sets.

Two one-sided tests (Schuirmann 1987) read off the simultaneous 95 % intervals that the verdicts have, so that neither
can contradict the other; each side is tested at 2.5 % over the whole family.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from study.core.margin import Margin

WITHIN, BEYOND, UNDECIDED = "no larger than the margin", "larger than the margin", "undecided"


def margins(margin: Margin, targets: pd.Series, moments: pd.DataFrame) -> np.ndarray:
    """The margin of each statement (m,) in standard deviations, given the `targets` that statements are of, empty for
    all of them, and the `sd` of each target (`moments`).

    A margin in the unit of the metrics is smallest in standard deviations where scores vary most: a statement on all
    targets has to hold there.
    """
    if margin.in_sd:
        return np.full(len(targets), margin.size)
    return margin.size / targets.map(moments["sd"]).fillna(moments["sd"].max()).to_numpy(dtype=float)


def equivalence(rows: pd.DataFrame, margin: Margin, moments: pd.DataFrame) -> pd.DataFrame:
    """Of `verdict_rows`: `family, effect, target, estimate, ci_low, ci_high, margin` (in standard deviations) and
    `equivalence`, one of `WITHIN`, `BEYOND`, `UNDECIDED`."""
    reach = margins(margin, rows["target"], moments)
    within = (rows["ci_low"] > -reach) & (rows["ci_high"] < reach)
    beyond = (rows["ci_low"] > reach) | (rows["ci_high"] < -reach)
    found = np.select([within, beyond], [WITHIN, BEYOND], UNDECIDED)
    kept = ["family", "effect", "target", "estimate", "ci_low", "ci_high"]
    return rows[kept].assign(margin=reach, equivalence=found)
