"""The runs that a phase may have: all of them, or the informative ones of a space too large to be listed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from design import coordinate_exchange as exchange
from design.candidates import Candidates, Factor, code_type
from study.core.columns import factor_column, source_column
from study.core.errors import Fault, InputFaults
from study.core.paths import FILE_NAME
from study.core.plan_sections import Combination, Constraint, Phase
from study.core.run import study_seed_sequence
from study.core.strategies import StrategyLevels
from study.core.study_file import Study

MOST_ENUMERATED = 2**20
"""Possible runs that are all candidates; of a larger space a selection is (design.coordinate_exchange)."""


def enumerate_candidates(study: Study, phase: Phase) -> Candidates:
    """Every run that the phase's levels and the constraints allow, in lexical order.

    A strategy of one source has exactly one, every other two or more. Of more than `MOST_ENUMERATED` possible runs the
    candidates are those of `runs_of_large_space`, the same ones for the same seed. Raises `InputFaults` where nothing
    is left.
    """
    known = study.known_strategies
    numbers = {s: [n for n in sorted(phase.n_sources) if known[s].allows(n)] for s in phase.strategy}
    sizes: dict[str, list[int]] = {strategy: possible for strategy, possible in numbers.items() if possible}
    factors = (
        Factor("strategy", StrategyLevels(sizes, known)),
        *(Factor(source_column(name), (False, True)) for name in study.sources),
        *(Factor(factor_column(name), levels) for name, levels in study.further_factors.items()),
        Factor("n_sources", tuple(sorted({n for possible in sizes.values() for n in possible}))),
    )

    def allowed(codes: np.ndarray) -> np.ndarray:
        found = np.ones(len(codes), dtype=bool)
        for constraint in study.design.constraint:
            found &= _allowed(factors, codes, constraint)
        return found

    if large := n_combinations(study, sizes) > MOST_ENUMERATED:
        seed = f"candidates of phase {phase.name}"
        space = exchange.Space(
            f"{study.seed} {study.tables} {phase.name}",
            factors,
            tuple(map(tuple, sizes.values())),
            len(study.sources),
            allowed,
            study_seed_sequence(study, seed),
        )
        codes = exchange.runs_of_large_space(space)
        expected = f"none of {exchange.MOST_DRAWN:,} runs drawn at random keeps the constraints; expected looser ones"
    else:
        codes = _all(factors, sizes, len(study.sources))
        codes = codes[allowed(codes)]
        expected = "the constraints leave no run; expected at least one"
    if not len(codes):
        raise InputFaults([Fault(FILE_NAME, f"[[design.phase]] {phase.name}", None, expected)])
    return Candidates(factors, codes, in_order=large)


def n_combinations(study: Study, sizes: Mapping[str, Sequence[int]]) -> int:
    """How many runs there could be, constraints aside, with these numbers of sources by strategy."""
    further = math.prod(len(levels) for levels in study.further_factors.values())
    return further * sum(math.comb(len(study.sources), n) for possible in sizes.values() for n in possible)


def _all(factors: tuple[Factor, ...], sizes: Mapping[str, Sequence[int]], n_sources: int) -> np.ndarray:
    """Every combination as level numbers, in lexical order; of fewer sources than a run may have, none."""
    subsets = {s: _subsets(n_sources, ns) for s, ns in sizes.items()}
    strategy = np.repeat(np.arange(len(subsets), dtype=np.uint8), [len(rows) for rows in subsets.values()])
    sources = np.concatenate(list(subsets.values()))
    shape = [len(factor.levels) for factor in factors[1 + n_sources : -1]]
    combinations = math.prod(shape)
    rows = np.arange(len(sources), dtype=np.int32).repeat(combinations)
    levels = np.indices(shape, dtype=code_type(factors)).reshape(len(shape), combinations).T
    number = np.searchsorted(factors[-1].levels, sources.sum(axis=1, dtype=np.int64))
    codes = [strategy[rows], sources[rows], np.tile(levels, (len(sources), 1)), number[rows]]
    return np.column_stack(codes).astype(code_type(factors), copy=False)


def _subsets(n_sources: int, sizes: Sequence[int]) -> np.ndarray:
    """All presence rows (n_subsets, n_sources) with one of the sizes, grown source by source."""
    rows = np.zeros((1, 0), dtype=np.uint8)
    for source in range(n_sources):
        rows = np.column_stack([np.repeat(rows, 2, axis=0), np.tile(np.array([0, 1], np.uint8), len(rows))])
        count = rows.sum(axis=1, dtype=np.int64)
        remaining = n_sources - source - 1
        possible = [(count <= size) & (size <= count + remaining) for size in sizes]
        rows = rows[np.logical_or.reduce(possible)]
    return rows


def _allowed(factors: Sequence[Factor], codes: np.ndarray, constraint: Constraint) -> np.ndarray:
    """Which runs (n_runs, n_factors) a constraint leaves (n_runs,)."""
    if constraint.require is None:
        return ~_have(factors, codes, constraint.forbid or {})
    return ~_have(factors, codes, constraint.when or {}) | _have(factors, codes, constraint.require)


def _have(factors: Sequence[Factor], codes: np.ndarray, combination: Combination) -> np.ndarray:
    """Which runs have all of a combination: every source under `sources`, one level named of any other factor."""
    by_name = {factor.name: column for column, factor in enumerate(factors)}
    found = np.ones(len(codes), dtype=bool)
    for name, value in combination.items():
        values = value if isinstance(value, tuple) else (value,)
        if name == "sources":
            for source in values:
                found &= codes[:, by_name[source_column(str(source))]] == 1
        else:
            column = by_name[name if name in by_name else factor_column(name)]
            of = [code for code, level in enumerate(factors[column].levels) if level in values]
            found &= np.isin(codes[:, column], of)
    return found
