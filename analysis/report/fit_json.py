"""The fits as `fit.json`: the same keys whatever was fitted, null where something was not computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pandas as pd

from analysis.components import FORMULA, Components
from analysis.evidence import Evidence
from analysis.fitted_model import Model
from analysis.fitting.engines import NATIVE
from analysis.fitting.inference import fixed_effects
from analysis.formulas.further_contrasts import CONTRAST_KEYS
from study.core.columns import source_column

CI_METHOD = "Satterthwaite t"
FIXED_KEYS = (
    "term",
    "estimate",
    "se",
    "df",
    "t",
    "p",
    "ci_low",
    "ci_high",
    "ci_method",
    "bootstrap_low",
    "bootstrap_high",
)
RANDOM_KEYS = ("group", "term", "variance", "sd", "boundary")
CORRELATION_KEYS = ("group", "term", "other", "correlation")
STATEMENT_KEYS = ("family", "effect", *CONTRAST_KEYS[1:], "p_holm")
MEAN_KEYS = ("strategy", "estimate", "se", "df", "p", "ci_low", "ci_high")
LEVEL_KEYS = ("treatment", "level", *MEAN_KEYS[1:])


def fit_record(evidence: Evidence) -> dict[str, Any]:
    """The whole file: the named models and the components, then the study's own models."""
    components = tuple(evidence.components.values())
    records = {model.name: model_record(model) for model in evidence.named}
    if not evidence.table.roles:
        records["components"] = components_record(components)
    records |= {model.name: model_record(model) for model in evidence.own}
    checks = {part.name: _all_records(getattr(evidence.checks, part.name)) for part in fields(evidence.checks)}
    return {"models": records, "variance_components": variance_components(components), "checks": checks}


def model_record(model: Model) -> dict[str, Any]:
    """A model's entry. A model that has no certified fit has `converged` false and no numbers."""
    fit = model.fit
    record: dict[str, Any] = {
        "formula": model.given or model.formula,
        "engine": model.engine,
        "criterion": None,
        "reml": True,
        "n_rows": model.n_rows,
        "groups": dict(model.groups),
        "converged": False,
        "singular": None,
        "fixed": [],
        "random": [],
        "correlations": [],
        "residual_sd": None,
        "contrasts": [],
        "mean_n_star": None,
        "means": [],
        "contrasts_of_means": [],
        "statements": [],
        "omitted": dict(model.omitted),
    }
    if fit is None:
        return record
    return record | {
        "criterion": fit.criterion,
        "converged": True,
        "singular": fit.singular,
        "fixed": _records(model.fixed.assign(ci_method=CI_METHOD), FIXED_KEYS),
        "random": _records(fit.random_table(), RANDOM_KEYS),
        "correlations": _records(fit.correlations(), CORRELATION_KEYS),
        "residual_sd": math.sqrt(fit.residual_variance),
        "contrasts": _records(model.contrasts, CONTRAST_KEYS) + _records(model.own_contrasts, CONTRAST_KEYS),
        "mean_n_star": model.mean_n_star,
        "means": _records(model.means, LEVEL_KEYS if "level" in model.means else MEAN_KEYS),
        "contrasts_of_means": _records(model.contrasts_of_means, CONTRAST_KEYS),
        "statements": _records(model.statements, STATEMENT_KEYS),
    }


def components_record(components: Sequence[Components]) -> dict[str, Any]:
    """The entry of the components: the targets' own fits, whose likelihoods multiply, taken together.

    A term of a target is named `term | target`; `residual_sd` is by target.
    """
    fitted = [one for one in components if one.fit is not None]
    return {
        "formula": FORMULA,
        "engine": NATIVE,
        "criterion": math.fsum(one.fit.criterion for one in fitted) if fitted else None,
        "reml": True,
        "n_rows": sum(one.n_rows for one in components),
        "groups": {"target": len(components)},
        "converged": bool(components) and len(fitted) == len(components),
        "singular": any(one.fit.singular for one in fitted) if fitted else None,
        "fixed": [
            row | {"term": f"{row['term']} | {one.target}"}
            for one in fitted
            for row in _records(fixed_effects(one.fit).assign(ci_method=CI_METHOD), FIXED_KEYS)
        ],
        "random": [
            {
                "group": source_column(row.source),
                "term": f"intercept | {one.target}",
                "variance": row.variance,
                "sd": math.sqrt(row.variance),
                "boundary": row.variance == 0.0,
            }
            for one in fitted
            for row in one.percent.itertuples()
        ],
        "correlations": [],
        "residual_sd": {one.target: math.sqrt(one.fit.residual_variance) for one in fitted} or None,
        "contrasts": [],
        "mean_n_star": None,
        "means": [],
        "contrasts_of_means": [],
        "statements": [],
        "omitted": {},
    }


def variance_components(components: Sequence[Components]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Percent of each source within each target that has a fit, with its interval."""
    return {
        one.target: {
            row["source"]: {key: row[key] for key in ("percent", "low", "high")}
            for row in _records(one.percent, ("source", "percent", "low", "high"))
        }
        for one in components
        if one.fit is not None
    }


def _all_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return _records(table, tuple(map(str, table)))


def _records(table: pd.DataFrame, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows as JSON takes them; null for NaN, and for columns that the table does not have."""
    return [
        {
            str(key): value if isinstance(value, str | bool) else None if pd.isna(value) else float(value)
            for key, value in row.items()
        }
        for row in table.reindex(columns=list(keys)).to_dict("records")
    ]
