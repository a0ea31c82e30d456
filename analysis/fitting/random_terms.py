"""A random part of a mixed model: which coefficients vary, and by the levels of what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class RandomTerm:
    """Coefficients that vary by the levels of a grouping factor, `(columns | group)` of lme4's formulas.

    `group` is the factor's name as printed, `levels` (n_rows,) the level of each row, `columns` (n_rows, q) numeric,
    named as terms; `correlated`, they have covariances beside their variances, else they are independent; `tied`, these
    independent ones have one variance.
    """

    group: str
    levels: np.ndarray
    columns: pd.DataFrame
    correlated: bool = False
    tied: bool = False

    @property
    def n_parameters(self) -> int:
        """How many variances and covariances it has."""
        width = self.columns.shape[1]
        return min(width, 1) if self.tied else width * (width + 1) // 2 if self.correlated else width


def intercepts_by(group: str, levels: np.ndarray) -> RandomTerm:
    """`(1 | group)`: an intercept that varies by the levels (n_rows,)."""
    return RandomTerm(group, levels, pd.DataFrame({"intercept": np.ones(len(levels))}))
