"""The fits as `fit.json`: the same keys whatever was fitted, null where something was not computed."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.models import Model

ENGINE = "native"
CI_METHOD = "Satterthwaite t"
FIXED_KEYS = ("term", "estimate", "se", "df", "t", "p", "ci_low", "ci_high")
CONTRAST_KEYS = ("contrast", "estimate", "se", "df", "p", "p_adjusted", "adjustment", "ci_low", "ci_high")


def model_record(model: Model) -> dict[str, Any]:
    """A model's entry. A model that has no certified fit has `converged` false and no numbers."""
    fit = model.fit
    record: dict[str, Any] = {
        "formula": model.formula, "engine": ENGINE, "criterion": None, "reml": True, "n_rows": model.n_rows,
        "groups": {"target": model.n_targets}, "converged": False, "singular": None, "fixed": [], "random": [],
        "residual_sd": None, "contrasts": [],
    }  # fmt: skip
    if fit is None:
        return record
    contrasts = [] if model.contrasts is None else _records(model.contrasts, CONTRAST_KEYS)
    fixed = [row | {"ci_method": CI_METHOD, "bootstrap_low": None, "bootstrap_high": None}
             for row in _records(model.fixed, FIXED_KEYS)]
    return record | {
        "criterion": fit.criterion, "converged": True, "singular": fit.singular, "fixed": fixed,
        "random": [{"group": "target", "term": term, "variance": float(variance), "sd": math.sqrt(variance),
                    "boundary": bool(variance == 0.0)}
                   for term, variance in zip(fit.random_terms, fit.variance, strict=True)],
        "residual_sd": math.sqrt(fit.residual_variance), "contrasts": contrasts,
    }  # fmt: skip


def _records(table: pd.DataFrame, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{key: value if isinstance(value, str) else float(value) for key, value in row.items()}
            for row in table[list(keys)].to_dict("records")]
