"""At which effects and variances studies are simulated: the paper's, those of a fit, or as stated."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.headline_terms import ONE_SOURCE
from study.core.coding import Coding, is_intercept, strategy_of
from study.core.columns import FACTOR
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.strategies import ALL, BUILT_IN, Strategy
from study.core.variances import AROUND_SD, COMBINATION_SD, FACTOR_SD, RESIDUAL_SD, RUN_SD, between_sd

STRATEGY_EFFECTS = dict(zip(BUILT_IN, (-1.0, -0.4, 0.0, 0.05, 0.1, 0.15), strict=True))
SLOPE_EFFECT = 0.16
"""What a further source adds, unless the sources share everything (Kim et al. 2019, 5.2); the intercepts are read off
the paper's Fig. 11, by the size of the network."""

RESIDUAL, RUN, COMBINATION, ONE_SOURCE_COMBINATION = "residual", "run", "combination", "combination[one source]"
LEAST_RESIDUAL, MOST = 1e-6, 1e6
"""The least residual deviation and the largest absolute value of any kind that may be stated, in standard deviations of
the scores: beyond them all else is rounding."""


@dataclass(frozen=True)
class Truth:
    """What studies are simulated at, in standard deviations of the scores within a target.

    `effects` of the fixed terms, `sd` between targets of the random ones, both by term, and `residual_sd`. `sd` also
    has what is shared: `run`, `combination` and, where these have a variance of their own, `combination[one source]`.
    """

    effects: Mapping[str, float]
    sd: Mapping[str, float]
    residual_sd: float

    def with_units(self, ratio: Mapping[str, float]) -> Truth:
        """The same where the columns of these terms are so many times as large."""
        effects, sd = (
            {name: value / ratio.get(name, 1.0) for name, value in of.items()} for of in (self.effects, self.sd)
        )
        return Truth(effects, sd, self.residual_sd)


def sd_name(group: str, column: str) -> str:
    """What the deviation of a random column is called."""
    if group == "combination":
        return ONE_SOURCE_COMBINATION if column == ONE_SOURCE else COMBINATION
    return {"run_id": RUN, "target": column}.get(group, group.removeprefix("target:"))


def paper_truth(coding: Coding) -> Truth:
    """Effects and variances near the paper's for the terms of a plan's first model; further factors have no effect."""
    effects, sd = {}, {RUN: RUN_SD, COMBINATION: COMBINATION_SD, ONE_SOURCE_COMBINATION: COMBINATION_SD}
    for term, column in coding.columns.items():
        term = str(term)
        sd[term] = between_sd(term, column)
        if is_intercept(term):
            effects[term] = _strategy_effect(coding.strategies[strategy_of(term)])
        elif term == "intercept":
            effects[term] = 0.0
        elif term.startswith(FACTOR):
            effects[term] = 0.0
            if term.endswith("]"):  # levels vary by target each for itself
                sd[term.partition("[")[0]] = FACTOR_SD / math.sqrt(2.0)
        else:
            effects[term] = 0.0 if coding.strategies[strategy_of(term)].share == ALL else SLOPE_EFFECT
    return Truth(effects, sd, RESIDUAL_SD)


def _strategy_effect(strategy: Strategy) -> float:
    return float(np.interp(strategy.size, [one.size for one in BUILT_IN.values()], list(STRATEGY_EFFECTS.values())))


def with_run_share(truth: Truth, run_share: float) -> Truth:
    """`truth`, but that a run has this part of the variance around the model on all targets alike, and its combination
    nothing more."""
    sd = {**truth.sd, RUN: math.sqrt(run_share) * AROUND_SD, COMBINATION: 0.0, ONE_SOURCE_COMBINATION: 0.0}
    return Truth(truth.effects, sd, math.sqrt(1 - run_share) * AROUND_SD)


def fitted_truth(path: Path, coding: Coding) -> Truth:
    """Effects and variances of the first model in a fit.json. Raises `InputFaults` where it lacks what a plan has."""
    if not path.is_file():
        raise InputFaults([Fault("", "--fitted", str(path), "no such file; `study analyze` writes it")])
    model = json.loads(path.read_text(encoding="utf-8"))["models"]["strategy"]
    if not model["converged"]:
        raise InputFaults([Fault(str(path), "strategy", None, "the first model has no fit")])
    effects = {row["term"]: row["estimate"] for row in model["fixed"]}
    sd = {sd_name(row.get("group", "target"), row["term"]): row["sd"] for row in model["random"]}
    raise_all(
        Fault(
            str(path),
            term,
            None,
            "not in the fit: the results did not have this term yet; run `study analyze` again later",
        )
        for term in coding.columns
        if term not in effects or (term in coding.random and term not in sd)
    )
    return Truth(effects, sd, model["residual_sd"])


def stated(truth: Truth, coding: Coding, effects: Sequence[str], deviations: Sequence[str]) -> Truth:
    """`truth`, but for what is typed as TERM=VALUE: fixed effects, and deviations between targets or of the residual.

    Raises `InputFaults` for terms that the model does not have and values that are none.
    """
    fixed, faults = _values(effects, "--effect", list(coding.columns))
    sd, more = _values(deviations, "--sd", list(dict.fromkeys([*coding.random, *truth.sd, RESIDUAL])))
    expected = f"expected a deviation of 0 or more, and a residual's of {LEAST_RESIDUAL:g} or more"
    faults += more + [
        Fault("", "--sd", f"{name}={value:g}", expected)
        for name, value in sd.items()
        if value < (LEAST_RESIDUAL if name == RESIDUAL else 0)
    ]
    raise_all(faults)
    residual_sd = sd.pop(RESIDUAL, truth.residual_sd)
    return Truth({**truth.effects, **fixed}, {**truth.sd, **sd}, residual_sd)


def _values(texts: Sequence[str], key: str, valid: Sequence[str]) -> tuple[dict[str, float], list[Fault]]:
    found: dict[str, float] = {}
    faults = []
    for text in texts:
        name, _, typed = text.rpartition("=")
        try:
            value = float(typed)
        except ValueError:
            value = math.nan
        if not name or not math.isfinite(value):
            faults.append(Fault("", key, text, f"expected TERM=VALUE, such as {valid[0]}=0.1"))
        elif name not in valid:
            faults.append(Fault("", key, name, f"expected one of {', '.join(valid)}", nearest(name, valid)))
        elif abs(value) > MOST:
            faults.append(Fault("", key, text, f"expected a value of at most {MOST:,.0f} on either side of 0"))
        else:
            found[name] = value
    return found, faults
