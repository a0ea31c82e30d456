"""Precision as a rule for stopping: which 95 % intervals are to be narrow enough, and what it takes to get there.

A rule is `strategy < 0.1 and n_star < 0.05`: every 95 % interval that a name stands for is to reach less than so far to
either side of its estimate, in standard deviations of the scores within a target. Narrower than the differences between
targets allow it gets by more targets only (Maxwell, Kelley & Rausch 2008 plan samples in the same way).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.centring import centred
from analysis.fitting.inference import contrast_tests, half_width
from analysis.fitting.mixed_model import MixedFit
from analysis.fitting.mixed_problem import NotCertified
from analysis.models import headline_fit
from analysis.planning.simulation import planned_model, prefix, refit, simulate
from analysis.planning.truth import Truth, sd_name
from analysis.results_table import ResultsTable
from study.core.coding import first_model
from study.core.effects import Effect, effects_by_name, weights_of
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.factors import Level
from study.core.strategies import BUILT_IN, Strategies

N_SIMULATIONS = 200
MOST_TARGETS = 1000


@dataclass(frozen=True)
class Rule:
    """What is asked of a model with `terms`: each effect with the margin, half the width of its interval, that it is to
    stay below."""

    text: str
    margins: tuple[tuple[Effect, float], ...]
    terms: tuple[str, ...]

    @property
    def effects(self) -> list[Effect]:
        return [effect for effect, _ in self.margins]

    @property
    def limits(self) -> np.ndarray:
        return np.array([limit for _, limit in self.margins])


def read_rule(text: str, terms: Sequence[str]) -> Rule:
    """The rule as typed, for a model with these terms. Raises `InputFaults` for what is no rule, and unknown names."""
    named = effects_by_name(terms)
    faults, margins = [], []
    for part in re.split(r"\s+and\s+", text.strip()):
        name, below, limit = (piece.strip() for piece in part.partition("<"))
        if not below or not re.fullmatch(r"\d*\.?\d+([eE][+-]?\d+)?", limit) or not 0 < float(limit) < math.inf:
            expected = "expected NAME < MARGIN, such as strategy < 0.1; several are joined by and"
            faults.append(Fault("", "--until", part, expected))
        elif name not in named:
            expected = f"expected {', '.join(one for one in named if ' - ' not in one)}, or a difference such as A - B"
            turned_round = " - ".join(reversed(name.split(" - ")))
            close = turned_round if turned_round in named else nearest(name, named)
            faults.append(Fault("", "--until", name, expected, close))
        else:
            margins += [(effect, float(limit)) for effect in named[name]]
    raise_all(faults)
    return Rule(text.strip(), tuple(margins), tuple(terms))


def first_fit(table: ResultsTable, factors: Mapping[str, Sequence[Level]]) -> MixedFit:
    """The headline's first fit and nothing more. Raises `InputFaults` and `NotCertified` as `fit_mixed`."""
    coding = centred(first_model(table.scores, factors, table.known), table.scores["target"])
    return headline_fit(table.scores, coding, factors, bool(table.sources))[0]


def margins(rule: Rule, fit: MixedFit) -> pd.DataFrame:
    """Of each effect of the rule: `effect, limit, margin, floor`.

    The floor is the margin that any number of runs would leave, with the variances between targets as fitted. Margins
    of effects that are not estimable yet are infinite.
    """
    estimable = [effect.told_by(fit.fixed_terms, rule.terms) for effect in rule.effects]
    weights = weights_of(rule.effects, fit.fixed_terms)
    tests = contrast_tests(fit, weights[estimable])
    margin = np.full(len(estimable), np.inf)
    margin[estimable] = (tests["ci_high"] - tests["ci_low"]) / 2.0
    names = [effect.name for effect in rule.effects]
    floor = np.where(estimable, floors(rule, fit, fit.groups["target"]), np.nan)
    return pd.DataFrame({"effect": names, "limit": rule.limits, "margin": margin, "floor": floor})


def floors(rule: Rule, fit: MixedFit, n_targets: int) -> np.ndarray:
    """The margins (n_effects,) of means over so many targets, each of them known exactly."""
    variance = _by_target(fit)
    parts = [
        np.array([weight**2 * variance.get(term, 0.0) for term, weight in effect.weights.items()])
        for effect in rule.effects
    ]
    total = np.array([part.sum() for part in parts])
    squares = np.array([(part**2).sum() for part in parts])
    df = (n_targets - 1) * np.divide(total**2, squares, where=squares > 0, out=np.ones_like(total))
    return half_width(np.sqrt(total / n_targets), df)


def targets_needed(rule: Rule, fit: MixedFit) -> int | None:
    """The least number of targets with which enough runs would keep the rule, with variances as fitted."""
    return next(
        (n for n in range(fit.groups["target"], MOST_TARGETS + 1) if (floors(rule, fit, n) < rule.limits).all()), None
    )


def runs_needed(
    rule: Rule,
    fit: MixedFit,
    runs: pd.DataFrame,
    n_done: int,
    factors: Mapping[str, Sequence[Level]],
    rng: np.random.Generator,
    strategies: Strategies = BUILT_IN,
) -> int | None:
    """How many of `runs` (those done first, then what would come) it takes until half of the studies keep the rule.

    Studies are simulated at the fitted variances. None if even all of `runs` are too few.
    """
    coding = first_model(runs, factors, strategies)
    if not all(effect.told_by(coding.columns, rule.terms) for effect in rule.effects):
        return None
    named = fit.random_table()
    sd = {sd_name(*names): value for *names, value in named[["group", "term", "sd"]].itertuples(index=False)}
    truth = Truth({}, sd, math.sqrt(fit.residual_variance))
    scores = simulate(truth, planned_model(runs, coding, factors), fit.groups["target"], N_SIMULATIONS, rng)

    def kept_by_half(size: int) -> bool:
        first = planned_model(runs.iloc[:size], replace(coding, columns=coding.columns.iloc[:size]), factors)
        try:
            found = refit(prefix(scores, size), first, weights_of(rule.effects, list(first.columns)), truth)
        except (InputFaults, NotCertified):
            return False
        margin = half_width(found.se, found.df)
        return bool((margin < rule.limits).all(axis=1).mean() >= 0.5)  # uncertified refits keep nothing

    if not kept_by_half(len(runs)):
        return None
    too_few, enough = n_done, len(runs)
    while enough - too_few > 1:
        between = (too_few + enough) // 2
        too_few, enough = (too_few, between) if kept_by_half(between) else (between, enough)
    return enough


def _by_target(fit: MixedFit) -> dict[str, float]:
    """The variance between targets of each fixed term's effect; of a factor's level against its first one, twice that
    of a level."""
    table = fit.random_table()
    variance = dict(table.loc[table["group"] == "target", ["term", "variance"]].itertuples(index=False))
    of_levels = table[table["group"].str.startswith("target:")]
    for group, own in zip(of_levels["group"], of_levels["variance"], strict=True):
        levels = f"{group.removeprefix('target:')}["
        variance |= {term: 2.0 * own for term in fit.fixed_terms if term.startswith(levels)}
    return variance
