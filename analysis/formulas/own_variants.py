"""The study's own models once more, without each target in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from analysis.formulas.formula import build
from analysis.robustness import WITHOUT
from analysis.sensitivity import Stated, Variant
from study.core.errors import InputFaults
from study.core.formula import Formula
from study.core.formula_names import Column

FEWEST_TARGETS = 3
"""So many are needed for one to be left out."""


def without_targets(
    formula: Formula, rows: pd.DataFrame, columns: Mapping[str, Column], stated: Stated
) -> Iterator[Variant]:
    """The model of a formula over `rows` (as `model_rows`) without each of their targets; `stated` gives the effects of
    a fit to rows."""
    targets = rows["target"].unique()
    for target in targets if len(targets) >= FEWEST_TARGETS else ():
        name, some = f"{WITHOUT} {target}", rows[rows["target"] != target]
        try:
            built = build(formula, some, columns)
            fit = fit_mixed(np.asarray(built.y), built.fixed, built.random)
            yield Variant(name, len(some), stated(fit, some[built.used]), fit)
        except (NotCertified, InputFaults) as reason:
            yield Variant(name, len(some), why_not=str(reason))
