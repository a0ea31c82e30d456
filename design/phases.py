"""The phases of a study: what each may run, and what of it is planned already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from design.anytime import anytime
from design.balance_alias import balance_alias
from design.candidates import Candidates
from design.enumeration import enumerate_candidates
from design.model import parts_of
from design.optimal import WEIGHTS, optimal
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.factors import Level
from study.core.paths import FILE_NAME
from study.core.plan_sections import Phase
from study.core.run import Run, make_run, study_seed_sequence
from study.core.study_file import Study

FIXED_WORK = 0.1
"""What each run takes beside its training (start, loading, representing, evaluating), as a part of the mean training
of its phase. A constant, so that the order depends on the study file alone; benchmarks/design_cost.py measures it."""


def factorial_runs(study: Study, phase: Phase) -> list[Run]:
    """Every combination of the phase, `repeats` times: all combinations once, then all again."""
    candidates = enumerate_candidates(study, phase)
    return [
        candidates.run(study, phase.name, row, replicate)
        for replicate in range(phase.repeats)
        for row in range(len(candidates))
    ]


@dataclass(frozen=True)
class SequentialPhase:
    """A sequential phase with what of it has run: `start_runs`, and each of their combinations once as level numbers,
    `start` (n_combinations, n_factors).

    `open` (n_candidates,) marks the candidates that no phase has planned yet; `lost` has the ids of runs that failed.
    """

    phase: Phase
    candidates: Candidates
    start_runs: tuple[Run, ...]
    start: np.ndarray
    open: np.ndarray
    lost: frozenset[str] = frozenset()

    @property
    def most(self) -> int:
        """Runs that the phase can have, repeats included, if no other phase takes any."""
        combinations = len(self.start) + int(self.open.sum())
        n_runs = combinations
        while n_runs + 1 - n_repeats(n_runs + 1, self.phase.repeat_share) <= combinations:
            n_runs += 1
        return n_runs

    def order(self, study: Study, remaining: np.ndarray, work: Callable[[Run], float] | None = None) -> Iterator[int]:
        """Rows of the candidates, the best next one first, to the last; with their work, best for the money.

        `remaining` (n_candidates,) marks those left; whoever takes one elsewhere clears its mark between two steps.
        """
        seed = study_seed_sequence(study, f"design of phase {self.phase.name}")
        criterion, balance = str(self.phase.criterion), self.candidates.positions(self.phase.balance)
        if criterion in WEIGHTS:
            return optimal(criterion, self.candidates, self.start, seed, remaining)
        if criterion == "balance-alias":
            return balance_alias(self.candidates, self.start, balance, seed, remaining)
        works = None
        if work is not None:
            runs = [self.candidates.run(study, self.phase.name, row) for row in range(len(self.candidates))]
            trained = np.array([work(run) for run in runs])
            works = trained + FIXED_WORK * trained.mean()
        sizes = self.candidates.factors[-1]
        slopes = len(sizes.levels) > 1 and len(self.candidates.factors) - 1 in balance
        model = parts_of(self.phase.model, self.phase.want_if_possible, slopes)
        return anytime(self.candidates, self.start, balance, seed, works, remaining, model)


def sequential_phases(study: Study, finished: Sequence[Run] = (), failed: Sequence[Run] = ()) -> list[SequentialPhase]:
    """The sequential phases, each with its own candidates: neither what a factorial phase has nor what has failed.

    Raises `InputFaults` for a phase to which the factorial ones leave no candidate.
    """
    raise_all(_phase_faults(study, [*finished, *failed]))
    taken = [enumerate_candidates(study, phase) for phase in study.phases if phase.criterion is None]
    sequential = [phase for phase in study.phases if phase.criterion is not None]
    started = [run for run in finished if run.phase in {phase.name for phase in sequential}]
    found = []
    for phase in sequential:
        possible = enumerate_candidates(study, phase)
        own = possible
        for other in taken:
            own = own.without(other)
        if not len(own):
            expected = "the factorial phases have all of its combinations; expected at least one that they lack"
            raise InputFaults([Fault(FILE_NAME, f"[[design.phase]] {phase.name}", None, expected)])
        gone = own.rows_of_runs(run for run in failed if run.replicate == 0)
        own = own.only(np.delete(np.arange(len(own)), gone))
        runs = tuple({run.run_id: run for run in started if run.phase == phase.name}.values())
        remaining = np.ones(len(own), dtype=bool)
        remaining[own.rows_of_runs(started)] = False
        start = possible.codes_of(list({_combination(run): run for run in reversed(runs)}.values())[::-1])
        lost = frozenset(run.run_id for run in failed)
        found.append(SequentialPhase(phase, own, runs, start, remaining, lost))
    return found


def n_possible(phases: Sequence[SequentialPhase]) -> int:
    """How many runs the sequential phases can have together; a combination that several could have counts once."""
    if len(phases) == 1:
        return max(phases[0].most, len(phases[0].start_runs))
    total = sum(len(phase.start_runs) for phase in phases)
    seen: list[Candidates] = []
    for phase in phases:
        left = phase.candidates.only(phase.open)
        for other in seen:
            left = left.without(other)
        seen.append(left)
        total += len(left)
    return total


def n_repeats(n_runs: int, share: float) -> int:
    """How many of a phase's first `n_runs` are repeats."""
    return int(n_runs * share + 1e-9)


def repeated(study: Study, phase: SequentialPhase, had: Sequence[Run]) -> Run:
    """A combination that the phase has, once more."""
    times = Counter(map(_combination, had))
    again = min(had, key=lambda run: times[_combination(run)])  # the earliest of those
    taken = {run.run_id for run in had} | phase.lost
    runs = (make_run(study, phase.phase.name, k, again.strategy, again.sources, again.factors) for k in count(1))
    return next(run for run in runs if run.run_id not in taken)


def _combination(run: Run) -> tuple[str, tuple[str, ...], tuple[tuple[str, Level], ...]]:
    return run.strategy, run.sources, tuple(run.factors.items())


def _phase_faults(study: Study, runs: Sequence[Run]) -> Iterator[Fault]:
    names = [phase.name for phase in study.phases]
    for run in runs:
        if run.phase not in names and not run.is_baseline:
            expected = f"expected one of the study's phases: {', '.join(names)}"
            yield Fault("", f"run {run.run_id} phase", run.phase, expected, nearest(run.phase, names))
    for phase in study.phases:
        if phase.criterion in WEIGHTS and "balance" in phase.model_fields_set:
            expected = f'criterion = "{phase.criterion}" does not balance; use "anytime"'
            yield Fault(FILE_NAME, f"[[design.phase]] {phase.name} balance", list(phase.balance), expected)
        for key in ("model", "want_if_possible"):
            if phase.criterion != "anytime" and key in phase.model_fields_set:
                expected = 'only criterion = "anytime" accepts a model'
                yield Fault(FILE_NAME, f"[[design.phase]] {phase.name} {key}", getattr(phase, key), expected)
