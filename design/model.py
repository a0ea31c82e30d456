"""The model that a plan is made for: what its information is about.

`main` (intercept, sources, strategy, further factors), `first` (the fixed terms of the analysis's first model:
strategies, their slopes on n*, further factors), the right side of a formula in the analysis's language, or a weighting
of several. Terms that are wanted if possible have a prior (DuMouchel & Jones 1994), so that they are estimated apart
from the others as far as the runs allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from design.candidates import Candidates, Factor
from design.information import RIDGE, Information, MainEffects, ModelColumns, WrittenOut, model_columns
from design.level_tables import LevelTables
from study.core.coding import first_model, n_star, r_star
from study.core.columns import FACTOR, SOURCE
from study.core.design_models import FIRST, MAIN, columns_of_design, with_sources
from study.core.errors import Fault, InputFaults
from study.core.formula import quoted
from study.core.formula_grammar import parse_terms
from study.core.model_matrix import coded, independent, model_matrix
from study.core.strategies import BUILT_IN, Strategies, known_to

OPEN_QUESTIONS = 0.05
"""What main effects weigh beside a model that leaves them out: they settle what it leaves open."""
SLOPES = 0.2
"""What the first model weighs beside main effects where the file names no model. By trial over ten seeds, on the 1,230
possible runs of Kim et al. 2019: more costs balance, and less leaves slopes less well known
(benchmarks/design_models.py)."""
POSSIBLE = 1.0
"""Prior information of a term that is wanted if possible: of a run in which its column has mean square 1."""
MOST_ENTRIES = 2**28
"""Numbers of a model's columns that are written out at most: 2 GiB."""


@dataclass(frozen=True)
class Part:
    """One model of a weighting: its name as the study file has it, its weight, and terms wanted if possible.

    A part that is `late` counts only after the opening, once all main effects are known.
    """

    name: str
    weight: float = 1.0
    if_possible: tuple[str, ...] = ()
    late: bool = False


def parts_of(
    model: str | Mapping[str, float] | None, if_possible: Sequence[str] = (), slopes: bool = False
) -> tuple[Part, ...]:
    """The parts of a phase's `model`; main effects always are one, so that nothing is left to chance.

    Without a model, those alone, and where `slopes` on n_sources are to be had those of the first model too.
    """
    if model is None and not if_possible:
        return (Part(MAIN), Part(FIRST, SLOPES, late=True)) if slopes else (Part(MAIN),)
    weights = {model or MAIN: 1.0} if not isinstance(model, Mapping) else dict(model)
    parts = tuple(Part(name, weight, tuple(if_possible)) for name, weight in weights.items())
    return (
        parts if MAIN in weights and not if_possible else (*parts, Part(MAIN, OPEN_QUESTIONS * max(weights.values())))
    )


class Criterion:
    """The information on all parts of a growing design, as one score: the larger, the more a candidate adds."""

    def __init__(self, models: Sequence[tuple[Part, ModelColumns, np.ndarray]]) -> None:
        """`models`: parts with their columns for the candidates, and (n_runs, n_terms) for what has run already."""
        parts = [part for part, _, _ in models]
        self._information = [Information(columns, start) for _, columns, start in models]
        self.has_slopes = any(part.name == FIRST and not part.late for part in parts)
        self._late = np.array([part.late for part in parts])
        n_terms = np.array([len(each.inverse) for each in self._information])
        self.has_late = bool(self._late.any())
        self.n_terms = int(n_terms.max())
        self._powers = np.array([part.weight for part in parts]) * n_terms[0] / n_terms

    def score(self, late: bool) -> np.ndarray:
        """What a candidate multiplies the weighted determinants by (n_candidates,)."""
        powers = np.where(self._late & (not late), 0.0, self._powers)
        powers = powers / powers.sum()
        counted = [(power, each) for power, each in zip(powers, self._information, strict=True) if power]
        if len(counted) == 1:
            return 1 + counted[0][1].gain
        return np.exp(sum(power * np.log1p(each.gain) for power, each in counted))

    def take(self, row: int) -> None:
        for each in self._information:
            each.take(row)


def columns_of_parts(
    candidates: Candidates, tables: LevelTables, start: np.ndarray, parts: Sequence[Part]
) -> list[tuple[Part, ModelColumns, np.ndarray]]:
    """Each part with its columns for the candidates, and for `start` (n_runs, n_factors level numbers)."""
    models: list[tuple[Part, ModelColumns, np.ndarray]] = []
    for part in parts:
        if part.name == MAIN and not part.if_possible:
            models.append((part, MainEffects(candidates, tables), model_columns(candidates.factors, start)))
            continue
        columns, n_certain = written_out(candidates.factors, np.vstack([candidates.codes, start]), part)
        values = columns.to_numpy()
        values = values / np.sqrt((values[: len(candidates)] ** 2).mean(axis=0))
        prior = np.full(values.shape[1], RIDGE)
        prior[n_certain:] = POSSIBLE
        models.append((part, WrittenOut(values[: len(candidates)], prior), values[len(candidates) :]))
    return models


def written_out(factors: Sequence[Factor], codes: np.ndarray, part: Part) -> tuple[pd.DataFrame, int]:
    """The columns of a part's model (n_rows, n_terms) under the names that `analyze` has for them, those wanted if
    possible last; and how many are wanted for certain. Columns that others determine in these rows are left out."""
    rows = _rows(factors, codes)
    levels = {each.name.partition(".")[2]: each.levels for each in factors if each.name.startswith(FACTOR)}
    text = {MAIN: _main_formula(factors), FIRST: "strategy"}.get(part.name, part.name)
    strategies = _known(factors)
    certain = (
        first_model(rows, levels, strategies).columns
        if part.name == FIRST
        else independent(_matrix(text, rows, factors))[0]
    )
    if certain.size > MOST_ENTRIES:
        expected = f"has {len(certain):,} runs to choose from and {certain.shape[1]} terms: too many to compute"
        raise InputFaults([Fault("", f"model {part.name}", None, expected)])
    if not part.if_possible:
        return certain, certain.shape[1]
    possible = _matrix(" + ".join([text, *part.if_possible]), rows, factors)
    every = independent(pd.concat([certain, possible.drop(columns=[c for c in possible if c in certain])], axis=1))[0]
    return every, certain.shape[1]


def _matrix(text: str, rows: pd.DataFrame, factors: Sequence[Factor]) -> pd.DataFrame:
    sources = [each.name.partition(".")[2] for each in factors if each.name.startswith(SOURCE)]
    levels = {each.name.partition(".")[2]: each.levels for each in factors if each.name.startswith(FACTOR)}
    known = columns_of_design(sources, levels, _known(factors))
    terms = parse_terms(with_sources(text, sources))
    variables = dict.fromkeys(variable for term in terms.terms for variable in term)
    values = {each: coded(each, known[each.name], rows[known[each.name].name]) for each in variables}
    matrix = model_matrix(terms, values, len(rows))
    return matrix.loc[:, matrix.any()]


def _main_formula(factors: Sequence[Factor]) -> str:
    names = [each.name for each in factors if len(each.levels) > 1 and not each.is_derived]
    curved = [
        f"poly({quoted(each.name)}, 2)" if each.is_ordered else quoted(each.name)
        for each in factors
        if each.name in names
    ]
    return " + ".join(["1", *curved])


def _rows(factors: Sequence[Factor], codes: np.ndarray) -> pd.DataFrame:
    """Runs given as level numbers as rows of the plan, with what models are made of."""
    found = {
        factor.name: np.asarray(factor.levels, dtype=object)[column]
        for factor, column in zip(factors, codes.T, strict=True)
    }
    rows = pd.DataFrame(found).infer_objects()
    rows = rows.assign(n_sources=rows["n_sources"].astype(float))
    known = _known(factors)
    return rows.assign(
        n_star=n_star(rows["strategy"], rows["n_sources"], known), r_star=r_star(rows["strategy"], known)
    )


def _known(factors: Sequence[Factor]) -> Strategies:
    return next((known_to(factor.levels) for factor in factors if factor.name == "strategy"), BUILT_IN)
