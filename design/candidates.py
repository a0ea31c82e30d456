"""The runs that a phase may have, as plain arrays: which of them to pay for is chosen elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from study.core.columns import SOURCE, factor_column, source_column
from study.core.errors import Fault, InputFaults
from study.core.factors import Level
from study.core.run import Run, make_run
from study.core.scales import are_numbers, is_range
from study.core.study_file import Study


@dataclass(frozen=True)
class Factor:
    """A factor and its levels, named as in plan.parquet: `strategy`, `source.<name>`, `factor.<name>`, `n_sources`."""

    name: str
    levels: tuple[Level, ...]  # `Levels` of further factors, `StrategyLevels` of strategies

    @property
    def is_ordered(self) -> bool:
        """Numbers in three levels or more have an order and distances; the levels of all others are only different."""
        return are_numbers(self.levels) and len(self.levels) > 2

    @property
    def is_range(self) -> bool:
        """Any point of a range will do: its points are neither balanced nor missed, but filled evenly at first."""
        return is_range(self.levels)

    @property
    def is_derived(self) -> bool:
        """The number of sources is the sum of the sources: it can be balanced, but tells a linear model nothing new."""
        return self.name == "n_sources"


@dataclass(frozen=True)
class Candidates:
    """Runs as level numbers: `codes` (n_candidates, n_factors) of `code_type`, one column per factor, one row per run,
    no row twice. `in_order`: of runs that are equally good the first row is meant, so that no tie is to be broken."""

    factors: tuple[Factor, ...]
    codes: np.ndarray
    in_order: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    def only(self, rows: np.ndarray) -> Candidates:
        """The candidates of these rows, or those that are marked (n_candidates,)."""
        return replace(self, codes=self.codes[rows])

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
        return self.only(self.rows_of(shared)[1])

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


def _level(run: Run, factor: str) -> Level | None:
    kind, _, name = factor.partition(".")
    if kind == "source":
        return name in run.sources
    return run.factors.get(name) if kind == "factor" else getattr(run, kind)
