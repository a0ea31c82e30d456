"""The runs that a phase may have, as plain arrays: which of them to pay for is chosen elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from study.core.columns import SOURCE, factor_column, source_column
from study.core.errors import Fault, InputFaults
from study.core.factors import Level, sources_allowed
from study.core.paths import FILE_NAME
from study.core.run import Run, make_run, study_seed_sequence
from study.core.scales import are_numbers
from study.core.study_file import Combination, Constraint, Phase, Study

MOST_ENUMERATED = 2**20
"""Possible runs that are all candidates; of more, so many as `DRAWN` are drawn."""
DRAWN = 2**17
"""Candidates of a larger space: the best of so many are within 2 % of the best of all from three runs a term on
(benchmarks/design_speed.py)."""


@dataclass(frozen=True)
class Factor:
    """A factor and its levels, named as in plan.parquet: `strategy`, `source.<name>`, `factor.<name>`, `n_sources`."""

    name: str
    levels: tuple[Level, ...]  # `Levels` with a scale for a study's further factors

    @property
    def is_ordered(self) -> bool:
        """Numbers in three levels or more have an order and distances; the levels of all others are only different."""
        return are_numbers(self.levels) and len(self.levels) > 2

    @property
    def is_derived(self) -> bool:
        """The number of sources is the sum of the sources: it can be balanced, but tells a linear model nothing new."""
        return self.name == "n_sources"


@dataclass(frozen=True)
class Candidates:
    """Runs as level numbers: `codes` (n_candidates, n_factors) of `code_type`, one column per factor, one row per run,
    no row twice."""

    factors: tuple[Factor, ...]
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def positions(self, balance: Iterable[str]) -> tuple[int, ...]:
        """The factors that `balance` names, as the study file does: strategy, sources (all), n_sources, any other."""
        asked = set(balance)
        wanted = asked | {factor_column(name) for name in asked}
        return tuple(
            position
            for position, factor in enumerate(self.factors)
            if factor.name in wanted or ("sources" in asked and factor.name.startswith(SOURCE))
        )

    def without(self, other: Candidates) -> Candidates:
        """The candidates that are not among the others; those may have other levels."""
        translated = np.zeros(other.codes.shape, dtype=np.int64)
        for column, (mine, theirs) in enumerate(zip(self.factors, other.factors, strict=True)):
            number = {level: code for code, level in enumerate(mine.levels)}
            translated[:, column] = np.array([number.get(level, -1) for level in theirs.levels])[other.codes[:, column]]
        shared = translated[(translated >= 0).all(axis=1)]
        return Candidates(self.factors, self.codes[self.rows_of(shared)[1]])

    def rows_of(self, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where runs (n_runs, n_factors) stand among the candidates, -1 if nowhere; and which rows stay untouched."""
        both = np.vstack([self.codes, runs.reshape(-1, len(self.factors)).astype(self.codes.dtype, copy=False)])
        numbers = row_numbers(both, [len(factor.levels) for factor in self.factors])
        names, wanted = numbers[: len(self.codes)], numbers[len(self.codes) :]
        order = np.argsort(names, kind="stable")
        place = np.minimum(np.searchsorted(names, wanted, sorter=order), len(names) - 1)
        rows = order[place] if len(names) else np.full(len(wanted), -1)
        rows = np.where(names[rows] == wanted, rows, -1) if len(names) else rows
        untouched = np.ones(len(names), dtype=bool)
        untouched[rows[rows >= 0]] = False
        return rows, untouched

    def codes_of(self, runs: Sequence[Run]) -> np.ndarray:
        """Level numbers (n_runs, n_factors) of runs. Raises `InputFaults` with every level that the phase lacks."""
        number = [{level: code for code, level in enumerate(factor.levels)} for factor in self.factors]
        codes = np.zeros((len(runs), len(self.factors)), dtype=code_type(self.factors))
        faults = []
        for row, run in enumerate(runs):
            for column, factor in enumerate(self.factors):
                level = _level(run, factor.name)
                if level in number[column]:
                    codes[row, column] = number[column][level]
                else:
                    expected = f"expected one of {', '.join(map(str, factor.levels))} in phase {run.phase}"
                    faults.append(Fault("", f"run {run.run_id} {factor.name}", level, expected))
        if faults:
            raise InputFaults(faults)
        return codes

    def rows_of_runs(self, runs: Iterable[Run]) -> np.ndarray:
        """Rows (n,) of those of the runs, of whatever phase and replicate, that are among the candidates."""
        numbers: list[dict[Level | None, int]]
        numbers = [{level: code for code, level in enumerate(factor.levels)} for factor in self.factors]
        codes = [
            [number.get(_level(run, factor.name), -1) for number, factor in zip(numbers, self.factors, strict=True)]
            for run in runs
        ]
        known = np.array([row for row in codes if min(row) >= 0], dtype=np.int64).reshape(-1, len(self.factors))
        rows = self.rows_of(known)[0]
        return rows[rows >= 0]

    def run(self, study: Study, phase: str, row: int, replicate: int = 0) -> Run:
        """The run in a row."""
        levels = {f.name: f.levels[code] for f, code in zip(self.factors, self.codes[row], strict=True)}
        sources = tuple(name for name in study.sources if levels[source_column(name)])
        further = {name: levels[factor_column(name)] for name in study.further_factors}
        return make_run(study, phase, replicate, str(levels["strategy"]), sources, further)


def code_type(factors: Sequence[Factor]) -> np.dtype[np.unsignedinteger]:
    """The smallest unsigned type that numbers the levels of every factor: uint8 up to 256 levels."""
    return np.min_scalar_type(max((len(factor.levels) for factor in factors), default=1) - 1)


def row_numbers(codes: np.ndarray, n_levels: Sequence[int]) -> np.ndarray:
    """A number for each row (n_rows,) of level numbers (n_rows, n_factors); equal rows have the same."""
    packed, size = np.zeros(len(codes), dtype=np.int64), 1
    for column, n in zip(codes.T, n_levels, strict=True):
        if size * max(n, 1) >= 2**62:
            packed = np.unique(packed, return_inverse=True)[1]
            size = len(codes)
        packed = packed * n + column
        size *= max(n, 1)
    return packed


def enumerate_candidates(study: Study, phase: Phase) -> Candidates:
    """Every run that the phase's levels and the constraints allow, in lexical order.

    SS-R has exactly one source, every other strategy two or more. Of more than `MOST_ENUMERATED` possible runs, as many
    as `DRAWN` are drawn at random, the same ones for the same seed. Raises `InputFaults` where nothing is left.
    """
    allowed = {s: [n for n in sorted(phase.n_sources) if sources_allowed(s, n)] for s in phase.strategy}
    sizes: dict[str, list[int]] = {strategy: possible for strategy, possible in allowed.items() if possible}
    factors = (
        Factor("strategy", tuple(sizes)),
        *(Factor(source_column(name), (False, True)) for name in study.sources),
        *(Factor(factor_column(name), levels) for name, levels in study.further_factors.items()),
        Factor("n_sources", tuple(sorted({n for possible in sizes.values() for n in possible}))),
    )
    if n_combinations(study, sizes) > MOST_ENUMERATED:
        rng = np.random.default_rng(study_seed_sequence(study, f"candidates of phase {phase.name}"))
        codes = _drawn(factors, sizes, len(study.sources), rng)
    else:
        codes = _all(factors, sizes, len(study.sources))
    candidates = Candidates(factors, codes)
    for constraint in study.design.constraint:
        candidates = Candidates(factors, candidates.codes[_allowed(candidates, constraint)])
    if not len(candidates):
        expected = "the constraints leave no run; expected at least one"
        raise InputFaults([Fault(FILE_NAME, f"[[design.phase]] {phase.name}", None, expected)])
    return candidates


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


def _drawn(
    factors: tuple[Factor, ...], sizes: Mapping[str, Sequence[int]], n_sources: int, rng: np.random.Generator
) -> np.ndarray:
    """Different combinations drawn at random from all, in lexical order; `DRAWN` of them, or a few less."""
    kinds = [(strategy, n) for strategy, possible in enumerate(sizes.values()) for n in possible]
    weights = np.array([float(math.comb(n_sources, n)) for _, n in kinds])
    strategy, size = np.array(kinds)[rng.choice(len(kinds), DRAWN, p=weights / weights.sum())].T
    present = rng.random((DRAWN, n_sources)).argsort(axis=1).argsort(axis=1) < size[:, None]
    levels = [rng.integers(len(factor.levels), size=DRAWN) for factor in factors[1 + n_sources : -1]]
    codes = np.column_stack([strategy, present, *levels, np.searchsorted(factors[-1].levels, size)])
    return np.unique(codes.astype(code_type(factors)), axis=0)


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


def _allowed(candidates: Candidates, constraint: Constraint) -> np.ndarray:
    """Which candidates a constraint leaves (n_candidates,)."""
    if constraint.require is None:
        return ~_have(candidates, constraint.forbid or {})
    return ~_have(candidates, constraint.when or {}) | _have(candidates, constraint.require)


def _have(candidates: Candidates, combination: Combination) -> np.ndarray:
    """Which candidates have all of a combination: every source under `sources`, one level named of any other factor."""
    by_name = {factor.name: column for column, factor in enumerate(candidates.factors)}
    found = np.ones(len(candidates), dtype=bool)
    for name, value in combination.items():
        values = value if isinstance(value, tuple) else (value,)
        if name == "sources":
            for source in values:
                found &= candidates.codes[:, by_name[source_column(source)]] == 1
        else:
            column = by_name[name if name in by_name else factor_column(name)]
            of = [code for code, level in enumerate(candidates.factors[column].levels) if level in values]
            found &= np.isin(candidates.codes[:, column], of)
    return found


def _level(run: Run, factor: str) -> Level | None:
    kind, _, name = factor.partition(".")
    if kind == "source":
        return name in run.sources
    return run.factors.get(name) if kind == "factor" else getattr(run, kind)
