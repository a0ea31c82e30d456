"""Fits of tests and benchmarks to columns as they are, without a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.random_terms import RandomTerm


def fit_by_target(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[str], target: Sequence[object]) -> MixedFit:
    """`fit_mixed` with an independent coefficient by target for each term of `random`, columns of `fixed`."""
    return fit_mixed(y, fixed, [RandomTerm("target", np.asarray(target), fixed[list(random)])])
