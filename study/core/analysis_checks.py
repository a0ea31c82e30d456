"""Faults of `[analysis]`: invalid formulas, unknown variables, contrasts of terms that no model has.

Which levels and terms the rows have is known only from the results, so the analysis checks that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from study.core.coding import first_model, second_model
from study.core.columns import factor_column
from study.core.errors import Fault, nearest
from study.core.evaluation_factors import EVALUATION_FACTORS
from study.core.factors import Level
from study.core.formula_names import columns_of, faults_of_formula
from study.core.paths import FILE_NAME
from study.core.plan_sections import AnalysisSection
from study.core.strategies import Strategies

CONTRASTED = ("strategy", "size", "paper_strategy", "paper_size")
NAMED_MODELS = (*CONTRASTED, "components")


def analysis_faults(
    analysis: AnalysisSection,
    sources: Iterable[str],
    factors: Mapping[str, Sequence[Level]],
    known: Strategies,
    nuisance: Iterable[str] = (),
) -> Iterator[Fault]:
    """Every fault of further models and contrasts; `factors` without those of `nuisance`, `known` all strategies that
    the study may have."""
    further = {name: levels for name, levels in factors.items() if name != "strategy"}
    levels = factors.get("strategy", tuple(known))
    strategies = {str(name): known[str(name)] for name in levels if name in known}
    columns = columns_of(sources, further, nuisance, known)
    names: list[str] = []
    for number, model in enumerate(analysis.model, 1):
        key = f"[[analysis.model]] {number} ({model.name})"
        if model.name in (*NAMED_MODELS, *names):
            yield Fault(FILE_NAME, f"{key} name", model.name, "this name is taken; expected a different one")
        names.append(model.name)
        yield from faults_of_formula(model.formula, columns, FILE_NAME, f"{key} formula")
    named: set[tuple[str, str]] = set()
    for number, contrast in enumerate(analysis.contrast, 1):
        key = f"[[analysis.contrast]] {number} ({contrast.name})"
        if (contrast.model, contrast.name) in named:
            yield Fault(FILE_NAME, f"{key} name", contrast.name, "this name is taken; expected a different one")
        named.add((contrast.model, contrast.name))
        valid = (*CONTRASTED, *names)
        if contrast.model not in valid:
            yield Fault(
                FILE_NAME,
                f"{key} model",
                contrast.model,
                f"no such model; expected one of {', '.join(valid)}",
                nearest(contrast.model, valid),
            )
        if not any(contrast.weights.values()):
            yield Fault(FILE_NAME, f"{key} weights", None, "expected at least one that is not 0")
        terms = _terms(contrast.model, strategies, further)
        for term in contrast.weights:
            if terms and term not in terms:
                yield Fault(
                    FILE_NAME,
                    f"{key} weights",
                    term,
                    f"no such term; expected one of {', '.join(terms)}",
                    nearest(term, terms),
                )


def _terms(model: str, strategies: Strategies, factors: Mapping[str, Sequence[Level]]) -> list[str]:
    """The terms of a named model if all are estimable; an empty list for a model given by a formula."""
    first = {factor_column(name): levels[0] for name, levels in factors.items()}
    others = [first | {factor_column(name): level} for name, levels in factors.items() for level in levels[1:]]
    rows = pd.DataFrame(
        {"strategy": strategy, "n_sources": n, **setting}
        for setting in (first, *others)
        for strategy, one in strategies.items()
        for n in (1, 2, 3)
        if one.allows(n)
    )
    if rows.empty or model not in CONTRASTED:
        return []
    evaluation = {name: levels for name, levels in factors.items() if name in EVALUATION_FACTORS}
    if model.endswith("strategy"):
        return list(first_model(rows, factors, strategies).columns)
    return list(second_model(rows, evaluation if model == "paper_size" else factors, strategies).columns)
