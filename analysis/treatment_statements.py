"""What the model of treatments states, in families: comparisons of levels, effects of numbers, interactions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import MixedFit
from analysis.simultaneous import Judging, simultaneous
from analysis.statements import COLUMNS
from analysis.treatments import INTERCEPT, interactions_of, terms_of
from study.core.columns import FACTOR, factor_column
from study.core.factors import Level
from study.core.scales import are_numbers

MOST_PAIRED = 30
"""Of more levels each is compared with the mean of all, instead of with every other."""
OF_ALL = "mean of all"
Contrasts = dict[str, np.ndarray]
"""Weights (p,) of the fixed terms, by name."""


def treatment_statements(
    fit: MixedFit, factors: Mapping[str, Sequence[Level]], judging: Judging, reference: Sequence[str] = ()
) -> pd.DataFrame:
    """`family, effect` and `simultaneous` of each family: one for each treatment, one for each interaction.

    Levels are compared in pairs, the later less the earlier, or each with a `reference`; numbers have a slope and, with
    three levels or more, a curvature. An interaction is what a combination of two levels (or a level and a slope) has
    beyond the sum of both.
    """
    found = [
        simultaneous(fit, np.array(list(weights.values())), judging).assign(family=family, effect=list(weights))
        for family, weights in treatment_families(fit, factors, reference)
        if weights
    ]
    return pd.concat(found, ignore_index=True)[list(COLUMNS)] if found else pd.DataFrame(columns=list(COLUMNS))


def level_means(fit: MixedFit, factors: Mapping[str, Sequence[Level]]) -> pd.DataFrame:
    """`contrast_tests` of the mean of each `level` of each `treatment` that has any, at the average of the others."""
    found = []
    for name, levels in factors.items():
        if not are_numbers(levels) and (effects := _level_effects(fit, name, levels)):
            base = np.eye(len(fit.fixed_terms))[fit.fixed_terms.index(INTERCEPT)]
            means = contrast_tests(fit, np.array([base + effect for effect in effects.values()]))
            means.insert(0, "level", list(effects))
            means.insert(0, "treatment", name)
            found.append(means)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def compared_levels(name: str, levels: Sequence[Level]) -> dict[str, tuple[str, str]]:
    """Every effect that can compare levels of a treatment, with the level and what it is compared with."""
    names = [str(level) for level in levels]
    found = {f"{name}: {b} - {a}": (b, a) for a, b in permutations(names, 2)}
    return found | {f"{name}: {level} - {OF_ALL}": (level, OF_ALL) for level in names}


def treatment_families(
    fit: MixedFit, factors: Mapping[str, Sequence[Level]], reference: Sequence[str]
) -> Iterator[tuple[str, Contrasts]]:
    """Each family of statements: its members' contrasts of the fixed terms, by name."""
    own = dict(zip(fit.fixed_terms, np.eye(len(fit.fixed_terms)), strict=True))
    for name, levels in factors.items():
        if are_numbers(levels):
            yield factor_column(name), {term: own[term] for term in terms_of(name, own)}
        else:
            yield factor_column(name), _compared(name, _level_effects(fit, name, levels), reference)
    for (a, b), terms in interactions_of(own, factors).items():
        yield f"{factor_column(a)}:{factor_column(b)}", _interaction(fit, terms, a, b, factors)


def _compared(name: str, effects: Contrasts, reference: Sequence[str]) -> Contrasts:
    base = next((level for level in effects if level in reference), None)
    if base is not None:
        return {
            f"{name}: {level} - {base}": effect - effects[base] for level, effect in effects.items() if level != base
        }
    if len(effects) > MOST_PAIRED:
        mean = np.mean(list(effects.values()), axis=0)
        return {f"{name}: {level} - {OF_ALL}": effect - mean for level, effect in effects.items()}
    return {f"{name}: {b} - {a}": effects[b] - effects[a] for a, b in combinations(effects, 2)}


def _level_effects(fit: MixedFit, name: str, levels: Sequence[Level]) -> Contrasts:
    """What each level adds to the intercept, which is the mean over the rows; levels that are not estimable are not
    there."""
    terms, fixed = fit.fixed_terms, fit.fixed
    own = [f"{factor_column(name)}[{level}]" for level in levels]
    here = [term for term in own if term in terms]
    if len(here) < len(levels) - 1:
        return {}
    at = [terms.index(term) for term in here]
    lowest = fixed[here].min().to_numpy()  # a centred indicator is less than 0 where the level is not
    effects = {}
    for level, term in zip(levels, own, strict=True):
        weights = np.zeros(len(terms))
        weights[at] = lowest
        if term in here:
            weights[terms.index(term)] += 1.0
        effects[str(level)] = weights
    return effects


def _interaction(
    fit: MixedFit, terms: Sequence[str], a: str, b: str, factors: Mapping[str, Sequence[Level]]
) -> Contrasts:
    """What each combination has beyond the sum of both: products of indicators less their means over levels."""
    index = {term: position for position, term in enumerate(fit.fixed_terms)}
    rows, columns = (
        [factor_column(name)]
        if are_numbers(factors[name])
        else [f"{factor_column(name)}[{level}]" for level in factors[name]]
        for name in (a, b)
    )
    weights = np.zeros((len(rows), len(columns), len(index)))
    for i, x in enumerate(rows):
        for j, y in enumerate(columns):
            if f"{x}:{y}" in index:
                weights[i, j, index[f"{x}:{y}"]] = 1.0
    if len(rows) > 1:
        weights = weights - weights.mean(axis=0, keepdims=True)
    if len(columns) > 1:
        weights = weights - weights.mean(axis=1, keepdims=True)
    called = [[name.removeprefix(FACTOR) for name in names] for names in (rows, columns)]
    every = {f"{x} with {y}": weights[i, j] for i, x in enumerate(called[0]) for j, y in enumerate(called[1])}
    if len(rows) <= 2 and len(columns) <= 2:  # one degree of freedom: the others are it again, or less it
        return dict([next(reversed(every.items()))])
    return every
