"""Which random terms the headline models have: what scores share, read off the table's shape and never off the scores.

Scores of one run share its training, and runs of one combination share what it is good for. A model without them takes
such scores for independent, and calls differences significant that are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.fitting.random_terms import RandomTerm, intercepts_by
from study.core.coding import Coding, combination
from study.core.columns import FACTOR, factor_column
from study.core.factors import Level

FEWEST_BETWEEN_RUNS = 3
"""Degrees of freedom between runs, after the fixed terms, from which differences of runs are judged."""
ONE_SOURCE, SEVERAL_SOURCES = "one source", "several sources"
"""The combinations that have a variance of their own each."""


@dataclass(frozen=True)
class RandomPart:
    """The random `terms`, what was `omitted` with the reason, and why nothing can be called significant, if so."""

    terms: tuple[RandomTerm, ...]
    omitted: Mapping[str, str] = field(default_factory=dict)
    no_verdicts: str | None = None

    def without(self, group: str, reason: str) -> RandomPart:
        """Without the terms of a grouping factor."""
        kept = tuple(term for term in self.terms if term.group != group)
        return replace(self, terms=kept, omitted={**self.omitted, _shown(group): reason})


def centred(coding: Coding) -> Coding:
    """The coding with further factors less their means: other terms are then at the average of the factors."""
    further = [name for name in coding.columns if str(name).startswith(FACTOR)]
    columns = coding.columns.copy()
    columns[further] = columns[further] - columns[further].mean()
    return replace(coding, columns=columns)


def headline_terms(
    rows: pd.DataFrame, coding: Coding, factors: Mapping[str, Sequence[Level]], sources_known: bool
) -> RandomPart:
    """The random part over `rows` (one a run, target and evaluation level) of a model with this `centred` coding.

    By target, the coding's own terms and further factors: a slope on a number or on a factor of two levels, independent
    deviations of one variance on the levels of others. Then `(1 | run_id)`, and `(1 | combination)`.
    """
    target, slopes, of_levels = rows["target"].astype(str).to_numpy(), list(coding.random), []
    for name in factors:
        terms = [term for term in map(str, coding.columns) if _is_of(term, name)]
        if len(terms) > 1 and terms[0].endswith("]"):
            of_levels.append(name)
        else:
            slopes += terms
    by_target = [RandomTerm("target", target, coding.columns[slopes])]
    for name in of_levels:
        levels = pd.Series(target, index=rows.index) + ":" + rows[factor_column(name)].astype(str)
        by_target.append(intercepts_by(f"target:{factor_column(name)}", levels.to_numpy()))
    part = _with_runs(RandomPart(tuple(by_target)), rows, coding)
    return _with_combinations(part, rows, coding, sources_known)


def _with_runs(part: RandomPart, rows: pd.DataFrame, coding: Coding) -> RandomPart:
    run = rows["run_id"].to_numpy()
    if not rows["run_id"].duplicated().any():
        return replace(part, omitted={**part.omitted, _shown("run_id"): "each run has one score"})
    df = _df_between(run, coding)
    if df == 0:
        reason = "the fixed terms determine the run, so that statements hold for these very trained models"
        return replace(part, omitted={**part.omitted, _shown("run_id"): reason})
    no_verdicts = None
    if df < FEWEST_BETWEEN_RUNS:
        no_verdicts = (
            f"the degrees of freedom between runs, after the fixed terms, are {df}, and at least {FEWEST_BETWEEN_RUNS} "
            "are needed"
        )
    return replace(part, terms=(*part.terms, intercepts_by("run_id", run)), no_verdicts=no_verdicts)


def _with_combinations(part: RandomPart, rows: pd.DataFrame, coding: Coding, sources_known: bool) -> RandomPart:
    def omitted(reason: str) -> RandomPart:
        return replace(part, omitted={**part.omitted, _shown("combination"): reason})

    if not sources_known:
        return omitted("the rows do not give the sources of a run")
    made_of = combination(rows)
    n_runs = pd.Series(rows["run_id"].to_numpy()).groupby(made_of).nunique()
    if n_runs.max() == 1:
        return omitted("no combination was trained twice, so that the run stands for both")
    if _df_between(made_of, coding) == 0:
        return omitted("the fixed terms determine the combination")
    single = (rows["n_sources"] == 1).to_numpy() if "n_sources" in rows else np.zeros(len(rows), dtype=bool)
    if (n_runs[np.unique(made_of[single])] == 1).all():
        return replace(part, terms=(*part.terms, intercepts_by("combination", made_of)))
    columns = pd.DataFrame({ONE_SOURCE: single.astype(float), SEVERAL_SOURCES: (~single).astype(float)})
    undetermined = [
        name
        for name, own in ((ONE_SOURCE, single), (SEVERAL_SOURCES, ~single))
        if _df_between(made_of[own], replace(coding, columns=coding.columns[own]))
    ]
    lacking = {
        _shown("combination", name): "the fixed terms determine these combinations"
        for name in columns
        if name not in undetermined
    }
    term = RandomTerm("combination", made_of, columns[undetermined].set_axis(rows.index))
    return replace(part, terms=(*part.terms, term), omitted={**part.omitted, **lacking})


def _df_between(levels: np.ndarray, coding: Coding) -> int:
    """Degrees of freedom between levels after the fixed terms, taken at their means over each level."""
    if not len(levels):
        return 0
    means = coding.columns.groupby(np.asarray(levels, dtype=object)).mean()
    return len(means) - int(np.linalg.matrix_rank(means.to_numpy()))


def _is_of(term: str, factor: str) -> bool:
    """Whether a term is of a factor: the number, its curvature, or one of its levels."""
    own = factor_column(factor)
    return term in (own, f"{own}^2") or (term.startswith(f"{own}[") and term.endswith("]"))


def _shown(group: str, coefficient: str = "1") -> str:
    return f"({coefficient} | {group})"
