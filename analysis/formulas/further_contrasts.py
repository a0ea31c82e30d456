"""The study's own contrasts: what it asks of a model's fixed terms beside what the report asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.contrasts import holm
from analysis.fitted_model import Model
from analysis.fitting.inference import contrast_tests
from study.core.coding import Coding
from study.core.errors import Fault, nearest, raise_all
from study.core.plan_sections import Contrast

CONTRAST_KEYS = ("contrast", "estimate", "se", "df", "p", "p_adjusted", "adjustment", "ci_low", "ci_high")
"""Of a contrast, in fit.json and in tables."""
NUMBERS = ("estimate", "se", "df", "t", "p", "p_adjusted", "ci_low", "ci_high")


def with_own_contrasts(models: Sequence[Model], contrasts: Sequence[Contrast]) -> tuple[Model, ...]:
    """Each model with those of the contrasts that are its own, as `own_contrasts`.

    `contrast_tests` with `contrast`, `p_adjusted` and `adjustment` (Holm 1979: all these of the model); where the model
    has no fit or a term was left out there is no number, and `why_not` says so. Raises `InputFaults` for terms that a
    model would not have whatever the rows were.
    """
    by_name = {model.name: model for model in models}
    raise_all(fault for one in contrasts for fault in _faults(one, by_name[one.model].coding))
    return tuple(
        _with(model, {one.name: one.weights for one in contrasts if one.model == model.name}) for model in models
    )


def _faults(contrast: Contrast, coding: Coding) -> Iterator[Fault]:
    terms = [*map(str, coding.columns), *coding.left_out]
    for term in contrast.weights if terms else ():  # none where a formula could not be coded
        if term not in terms:
            yield Fault(
                "",
                f"contrast {contrast.name} of model {contrast.model}",
                term,
                f"no such term; expected of {', '.join(terms)}",
                nearest(term, terms),
            )


def _with(model: Model, asked: Mapping[str, Mapping[str, float]]) -> Model:
    if not asked:
        return model
    why_not = {name: _why_not(weights, model) for name, weights in asked.items()}
    estimable = [name for name, reason in why_not.items() if not reason]
    table = pd.DataFrame(index=pd.Index(asked, name="contrast"), columns=list(NUMBERS), dtype=float)
    if estimable and model.fit is not None:
        terms = model.fit.fixed_terms
        tests = contrast_tests(
            model.fit, np.array([[asked[name].get(term, 0.0) for term in terms] for name in estimable])
        )
        table.loc[estimable] = tests.assign(p_adjusted=holm(tests["p"].to_numpy()))[list(NUMBERS)].to_numpy()
    adjustment = f"Holm, {len(estimable)} own comparisons" if len(estimable) > 1 else "none"
    table = table.assign(adjustment=adjustment, why_not=list(why_not.values()))
    return replace(model, own_contrasts=table.reset_index())


def _why_not(weights: Mapping[str, float], model: Model) -> str:
    if model.fit is None:
        return f"model {model.name} has no fit"
    gone = [term for term, weight in weights.items() if weight and term in model.coding.left_out]
    return "; ".join(f"{term} is left out: {model.coding.left_out[term]}" for term in gone)
