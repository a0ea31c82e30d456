"""What the first model is asked: slopes on n*, further factors, differences of strategies, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from study.core.coding import INTERCEPT, is_intercept, strategy_of


@dataclass(frozen=True)
class Effect:
    """A combination of fixed terms; a comparison of two strategies is of the family of all pairs, others are alone."""

    name: str
    weights: Mapping[str, float]
    is_comparison: bool = False

    @property
    def family(self) -> str:
        """What it is judged together with: all pairs of strategies, all slopes, or the levels of its factor."""
        if self.is_comparison:
            return "strategy"
        return "n_star" if self.name.endswith(":n_star") else self.name.partition("[")[0].removesuffix("^2")

    def value(self, of_term: Mapping[str, float]) -> float:
        return sum(weight * of_term[term] for term, weight in self.weights.items())

    def told_by(self, terms: Sequence[str], planned: Sequence[str]) -> bool:
        """Whether a model with these terms has all that the effect needs of those planned.

        An intercept needs its slope: while all runs of a strategy have eight sources, it is no mean at n* = 0.
        """
        needed = [*self.weights, *(f"{term}:n_star" for term in self.weights)]
        return all(term in terms for term in needed if term in planned)


def effects_of(terms: Sequence[str]) -> list[Effect]:
    """The slopes and the further factors' terms, each by itself, then all pairs of strategies at n* = 0."""
    alone = [Effect(term, {term: 1.0}) for term in terms if term != INTERCEPT and not is_intercept(term)]
    pairs = combinations([term for term in terms if is_intercept(term)], 2)
    return alone + [
        Effect(f"{strategy_of(later)} - {strategy_of(earlier)}", {later: 1.0, earlier: -1.0}, is_comparison=True)
        for earlier, later in pairs
    ]


def effects_at(n_star: float, pairs: Sequence[Effect], terms: Sequence[str]) -> list[Effect]:
    """These pairs at another n* than 0, where a strategy has a slope."""
    found = []
    for pair in pairs:
        slopes = {f"{term}:n_star": n_star * weight for term, weight in pair.weights.items()}
        kept = {term: weight for term, weight in slopes.items() if term in terms}
        if kept and n_star:
            found.append(Effect(f"{pair.name} at n* = {n_star:g}", {**pair.weights, **kept}, is_comparison=True))
    return found


def effects_by_name(terms: Sequence[str]) -> dict[str, list[Effect]]:
    """Every name that a user may call effects by: a fixed term, a comparison, or a family: `strategy` (all pairs of
    strategies), `n_star` (all slopes), `factor.NAME` (all its levels)."""
    effects = effects_of(terms)
    named = {term: [Effect(term, {term: 1.0})] for term in terms}
    named |= {effect.name: [effect] for effect in effects}
    families: dict[str, list[Effect]] = {}
    for effect in effects:
        families.setdefault(effect.family, []).append(effect)
    return families | named


def weights_of(effects: Sequence[Effect], terms: Sequence[str]) -> np.ndarray:
    """The effects as contrasts (n_effects, n_terms) of a model with these terms."""
    rows = [[effect.weights.get(term, 0.0) for term in terms] for effect in effects]
    return np.array(rows, dtype=float).reshape(len(effects), len(terms))
