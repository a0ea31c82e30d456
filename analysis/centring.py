"""Columns of a model less their means, over all rows or over each target's."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from study.core.coding import Coding
from study.core.columns import FACTOR
from study.core.evaluation_factors import EVALUATION_FACTORS

SAME = 1e-9
"""The share of its length within which a column is zero, or a multiple of another."""


def centred(coding: Coding, target: pd.Series | None = None) -> Coding:
    """The coding with further factors less their means: other terms are then at the average of the factors.

    With the `target` (n_rows,) of each row, factors of the evaluation are less their means over the target's rows, as
    its standardised scores are: where a target lacks some of the levels, these means differ.
    """
    further = [str(name) for name in coding.columns if str(name).startswith(FACTOR)]
    columns = coding.columns.copy()
    columns[further] = columns[further] - columns[further].mean()
    evaluated = [name for name in further if name.removeprefix(FACTOR).partition("[")[0] in EVALUATION_FACTORS]
    if target is not None and evaluated:
        columns[evaluated] -= columns[evaluated].groupby(target).transform("mean")
    return replace(coding, columns=columns)


def less_target_means(columns: pd.DataFrame, target: np.ndarray) -> pd.DataFrame:
    """The columns (n_rows, q) less their means over each target's rows, without those that this leaves as a multiple of
    one before them.

    Standardising takes out each target's mean, and with it what a target's deviations have in common. Columns from
    which it is taken out, too, leave the deviations independent. Those of two strategies become one another's negative:
    how much each of them varies is then not estimable, but their difference is. A column of a single target stays, for
    its variance is not estimable, and whoever fits it says so.
    """
    codes = pd.factorize(target)[0]
    less_means, kept = centred_by_target(columns, target), {}
    for name, column in columns.items():
        raw, own = column.to_numpy(dtype=float), less_means[name].to_numpy()
        length = np.linalg.norm(own)
        if len(np.unique(codes[raw != 0.0])) == 1:
            kept[str(name)] = raw
        elif length > SAME * np.linalg.norm(raw) and all(
            abs(own @ other) < (1 - SAME) * length * np.linalg.norm(other) for other in kept.values()
        ):
            kept[str(name)] = own
    return pd.DataFrame(kept, index=columns.index)


def centred_by_target(columns: pd.DataFrame, target: np.ndarray) -> pd.DataFrame:
    """The columns (n_rows, q) less their means over each target's rows, rounded once, whatever the rows' order."""
    codes, values = pd.factorize(target)[0], columns.to_numpy(dtype=float).copy()
    for code in range(codes.max() + 1):
        own = codes == code
        values[own] -= [math.fsum(column) / own.sum() for column in values[own].T]
    return pd.DataFrame(values, index=columns.index, columns=columns.columns)
