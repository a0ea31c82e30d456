"""Which random terms the headline models have: what scores share, read off the table's shape and never off the scores.

Scores of one run share its training, and runs of one combination share what it is good for. A model without them takes
such scores for independent, and calls differences significant that are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.centring import centred_by_target, less_target_means
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.treatments import interactions_of, terms_of
from study.core.coding import Coding, combination
from study.core.columns import FACTOR, factor_column
from study.core.factors import Level

FEWEST_BETWEEN_RUNS = 3
"""Degrees of freedom between runs, after the fixed terms, from which differences of runs are judged."""
ONE_SCORE = "each run has one score"
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

    def without_slopes(self, group: str, reason: str) -> RandomPart:
        """Without what varies by a grouping factor in the effects of further factors; its other terms stay."""
        terms = []
        for term in self.terms:
            kept = [name for name in term.columns if term.group != group or not str(name).startswith(FACTOR)]
            terms += [replace(term, columns=term.columns[kept])] if kept else []
        return replace(self, terms=tuple(terms), omitted={**self.omitted, _shown(group, "factors"): reason})

    def reduced(self, reason: str) -> RandomPart | None:
        """Without what such rows determine least; None where nothing but the coding's own terms by target is left."""
        groups = sorted((term.group for term in self.terms), key=len, reverse=True)
        kinds = ("run_id", "target")
        of_factors = {of: [group for group in groups if group.startswith(f"{of}:factor.")] for of in kinds}
        if of_factors["run_id"]:
            return self.without(of_factors["run_id"][0], reason)
        if self._has_slopes("run_id"):
            return self.without_slopes("run_id", reason)
        for group in ("combination", "strategy", "target:strategy", "run_id:target", *of_factors["target"][:1]):
            if group in groups:
                return self.without(group, reason)
        if self._has_slopes("target"):
            return self.without_slopes("target", reason)
        return self.without("run_id", reason) if "run_id" in groups else None

    def _has_slopes(self, group: str) -> bool:
        return any(
            term.group == group and any(str(name).startswith(FACTOR) for name in term.columns) for term in self.terms
        )


def headline_terms(
    rows: pd.DataFrame, coding: Coding, factors: Mapping[str, Sequence[Level]], sources_known: bool
) -> RandomPart:
    """The random part over `rows` (one a run, target and evaluation level) of a model with this `centred` coding.

    By target, the coding's own terms, further factors and interactions: a slope on a number or on a factor of two
    levels, independent deviations of one variance on the levels of others. Slopes are of columns `less_target_means`.
    Then `(1 | run_id)`, and `(1 | combination)`. In a table of any field (without strategies) targets have an intercept
    in their place, and units vary as targets do in treatments that differ within them.
    """
    any_field = "strategy" not in rows
    target, run = rows["target"].astype(str), rows["run_id"].astype(str)
    if target.nunique() > 1 or not any_field:
        part = RandomPart(_varying("target", target, list(coding.random), rows, coding, factors))
        if not any_field:
            part = replace(part, terms=tuple(_standardised(part.terms)))
    else:
        reason = "all scores are of one target"
        part = RandomPart((), {_shown("target", "..."): reason})
    within = {
        name: levels
        for name, levels in factors.items()
        if any_field and (rows.groupby("run_id")[factor_column(name)].nunique() > 1).any()
    }
    part = _with_runs(part, rows, coding)
    if within and any(term.group == "run_id" for term in part.terms):
        others = tuple(term for term in part.terms if term.group != "run_id")
        part = replace(part, terms=(*others, *_varying("run_id", run, ["intercept"], rows, coding, within)))
        if target.nunique() > 1 and rows.duplicated(["run_id", "target"]).any():
            both = intercepts_by("run_id:target", (run + ":" + target).to_numpy())
            part = replace(part, terms=(*part.terms, both))
    part = _with_combinations(part, rows, coding, sources_known, tuple(within))
    return _with_strategies(part, rows, coding) if "r_star" in coding.columns else part


def _standardised(terms: Iterable[RandomTerm]) -> Iterator[RandomTerm]:
    for term in terms:
        columns = less_target_means(term.columns, term.levels) if term.group == "target" else term.columns
        if columns.shape[1]:
            yield replace(term, columns=columns)


def _with_strategies(part: RandomPart, rows: pd.DataFrame, coding: Coding) -> RandomPart:
    """Of the size of networks, which varies only between strategies: these are what its slope is judged by.

    Strategies differ beyond a line, on average and on each target.
    """
    strategy = rows["strategy"].astype(str)
    by_target = intercepts_by("target:strategy", (rows["target"].astype(str) + ":" + strategy).to_numpy())
    part = replace(part, terms=(*part.terms, by_target))
    df = strategy.nunique() - 2
    if df <= 0:
        reason = "the size of the network determines the strategy, so that statements hold for these very strategies"
        return replace(part, omitted={**part.omitted, _shown("strategy"): reason})
    if df < FEWEST_BETWEEN_RUNS and part.no_verdicts is None:
        reason = (
            f"the degrees of freedom between strategies, after the size of the network, are {df}, and at least "
            f"{FEWEST_BETWEEN_RUNS} are needed"
        )
        part = replace(part, no_verdicts=reason)
    return replace(part, terms=(*part.terms, intercepts_by("strategy", strategy.to_numpy())))


def _varying(
    group: str,
    of_row: pd.Series,
    slopes: list[str],
    rows: pd.DataFrame,
    coding: Coding,
    factors: Mapping[str, Sequence[Level]],
) -> tuple[RandomTerm, ...]:
    """`slopes` and the effects of factors and of their interactions, varying by the levels `of_row` of a group."""
    terms, by_level = list(map(str, coding.columns)), []
    main = {(name,): terms_of(name, terms) for name in factors}
    for names, own in (main | interactions_of(terms, factors)).items():
        several = [name for name in names if len(main[name,]) > 1 and main[name,][0].endswith("]")]
        if several:
            by_level.append(names)
        else:
            slopes = [*slopes, *own]
    found = [RandomTerm(group, of_row.to_numpy(), coding.columns[slopes])] if slopes else []
    for names in by_level:
        columns = [factor_column(name) for name in names]
        name = ":".join([group, *columns])
        levels = rows[columns].astype(str).agg(":".join, axis=1)
        if group == "target":
            indicators = centred_by_target(pd.get_dummies(levels, dtype=float), of_row.to_numpy())
            found.append(RandomTerm(name, of_row.to_numpy(), indicators, tied=True))
        else:
            found.append(intercepts_by(name, of_row.str.cat(levels, sep=":").to_numpy()))
    return tuple(found)


def _with_runs(part: RandomPart, rows: pd.DataFrame, coding: Coding) -> RandomPart:
    run = rows["run_id"].to_numpy()
    df, once = _df_between(run, coding), not rows["run_id"].duplicated().any()
    no_verdicts = None
    if df < FEWEST_BETWEEN_RUNS:
        no_verdicts = (
            f"the degrees of freedom between runs, after the fixed terms, are {df}, and at least {FEWEST_BETWEEN_RUNS} "
            "are needed"
        )
    if once:
        omitted = {**part.omitted, _shown("run_id"): ONE_SCORE}
        return replace(part, omitted=omitted, no_verdicts=None if part.terms else no_verdicts)
    if df == 0:
        reason = "the fixed terms determine the run, so that statements hold for these very trained models"
        return replace(part, omitted={**part.omitted, _shown("run_id"): reason})
    return replace(part, terms=(*part.terms, intercepts_by("run_id", run)), no_verdicts=no_verdicts)


def _with_combinations(
    part: RandomPart, rows: pd.DataFrame, coding: Coding, sources_known: bool, within: Sequence[str]
) -> RandomPart:
    def omitted(reason: str) -> RandomPart:
        return replace(part, omitted={**part.omitted, _shown("combination"): reason})

    if not sources_known:
        return omitted("the rows do not give the sources of a run")
    made_of = combination(rows.drop(columns=[factor_column(name) for name in within]))
    n_runs = pd.Series(rows["run_id"].to_numpy()).groupby(made_of).nunique()
    if n_runs.max() == 1:
        return omitted("no combination was trained twice, so that the run stands for both")
    df = _df_between(made_of, coding)
    if df == 0:
        return omitted("the fixed terms determine the combination")
    if "strategy" not in rows and df < FEWEST_BETWEEN_RUNS:
        return omitted(f"{df} degrees of freedom between combinations after the fixed terms: they are these very ones")
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


def _shown(group: str, coefficient: str = "1") -> str:
    return f"({coefficient} | {group})"
