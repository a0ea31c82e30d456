"""The study's own contrasts: what it asks of a model's fixed terms beside what the report asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.fitted_model import Model
from analysis.fitting.mixed_model import MixedFit
from analysis.simultaneous import EACH, Judging, simultaneous
from study.core.coding import Coding
from study.core.errors import Fault, nearest, raise_all
from study.core.plan_sections import Contrast

CONTRAST_KEYS = ("contrast", "estimate", "se", "df", "p", "p_adjusted", "adjustment", "ci_low", "ci_high")
"""Of a contrast, in fit.json and in tables."""
NUMBERS = ("estimate", "se", "df", "t", "p", "p_adjusted", "p_holm", "ci_low", "ci_high")
Weights = Mapping[str, Mapping[str, float]]
"""Of terms, by contrast."""


def with_own_contrasts(
    models: Sequence[Model], contrasts: Sequence[Contrast], judging: Judging = EACH
) -> tuple[Model, ...]:
    """Each model with those of the contrasts that are its own, as `own_contrasts`: `contrast`, the numbers of
    `simultaneous` (all contrasts of a model are one family) and `why_not`.

    Where the model has no fit or a term was left out there is no number, and `why_not` says so. Raises `InputFaults`
    for terms that a model would not have whatever the rows were.
    """
    by_name = {model.name: model for model in models}
    raise_all(fault for one in contrasts for fault in _faults(one, by_name[one.model].coding))
    return tuple(_with(model, weights_of(model.name, contrasts), judging) for model in models)


def weights_of(model: str, contrasts: Sequence[Contrast]) -> Weights:
    """The weights of a model's contrasts."""
    return {one.name: one.weights for one in contrasts if one.model == model}


def contrasts_of(fit: MixedFit, asked: Weights, judging: Judging) -> pd.DataFrame:
    """`effect` and `simultaneous` of the contrasts, all of which are estimable from the fit."""
    weights = np.array([[own.get(term, 0.0) for term in fit.fixed_terms] for own in asked.values()])
    return simultaneous(fit, weights, judging).assign(effect=list(asked))


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


def _with(model: Model, asked: Weights, judging: Judging) -> Model:
    if not asked:
        return model
    why_not = {name: _why_not(weights, model) for name, weights in asked.items()}
    estimable = {name: asked[name] for name, reason in why_not.items() if not reason}
    table = pd.DataFrame(index=pd.Index(asked, name="contrast"), columns=list(NUMBERS), dtype=float)
    table = table.assign(adjustment="none", why_not=list(why_not.values()))
    if estimable and model.fit is not None:
        tests = contrasts_of(model.fit, estimable, judging)
        table.loc[list(estimable), list(NUMBERS)] = tests[list(NUMBERS)].to_numpy()
        table["adjustment"] = tests["adjustment"].iloc[0]
    return replace(model, own_contrasts=table.reset_index())


def _why_not(weights: Mapping[str, float], model: Model) -> str:
    if model.fit is None:
        return f"model {model.name} has no fit"
    gone = [term for term, weight in weights.items() if weight and term in model.coding.left_out]
    return "; ".join(f"{term} is left out: {model.coding.left_out[term]}" for term in gone)
