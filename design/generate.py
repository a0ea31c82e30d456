"""Which runs to pay for, and in which order: the story of the design.

The phases of the study file give their runs independently (the paper's 4.3). A factorial phase has every combination,
`repeats` times. A sequential phase has a criterion, and with it an order of its combinations that is good wherever it
is stopped: that is where the budget goes. No combination is planned twice, and none that a constraint forbids.

An order is a supply: a plan of N runs is the first N of it, so the plan of k is the beginning of the plan of N. What
finished, in whatever order and whoever planned it, is where the order starts from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from design.anytime import anytime
from design.balance_alias import balance_alias
from design.budget import Cost, Hours, affordable
from design.candidates import Candidates, enumerate_candidates
from design.optimal import WEIGHTS, optimal
from study.core.cost import run_work
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.run import Run, study_seed_sequence
from study.core.study_file import FILE_NAME, Phase, Study


def generate(
    study: Study,
    budget: int | Hours | None,
    finished: Sequence[Run] = (),
    failed: Sequence[Run] = (),
    cost: Cost = lambda run: None,
) -> list[Run]:
    """The plan: the runs of the factorial phases in the file's order, then those of the sequential ones.

    A budget of runs counts those of the sequential phases, what is `finished` among them included (it is kept, in its
    order, also beyond the budget); several sequential phases take turns. A budget of `Hours` pays for all phases,
    the factorial ones and what is finished first, and `anytime` then weighs what a run tells against its work in
    FLOPs: `cost`, in the unit of the budget, decides where the order is cut and nothing else.
    `failed` runs are not planned again in a sequential phase: the best next ones take their places. Baselines among
    either are passed over.

    Raises `InputFaults`: a budget without a sequential phase or the other way round, beyond the candidates (saying how
    many there are), too small for what is fixed (saying what that needs); runs of phases or levels that the study does
    not have.
    """
    phases = sequential_phases(study, finished, failed)
    fixed = [run for phase in study.phases if phase.criterion is None for run in factorial_runs(study, phase)]
    fixed = list({run.run_id: run for run in reversed(fixed)}.values())[::-1]
    if not phases:
        if budget is not None:
            expected = "no phase of the study is sequential: all runs are planned without a budget"
            raise InputFaults([Fault("", "--budget", budget, expected)])
        return fixed
    fixed += [run for phase in phases for run in phase.start_runs]
    if isinstance(budget, Hours):
        return fixed + affordable(budget, fixed, in_turn(study, phases, partial(run_work, study)), cost)
    n_started = sum(len(phase.start_runs) for phase in phases)
    possible = n_started + sum(phase.n_left for phase in phases)
    if budget is None or not 0 <= budget <= possible:
        missing = "missing: " * (budget is None)
        expected = f"{missing}the sequential phases have {possible:,} possible runs; expected a number up to that"
        raise InputFaults([Fault("", "--budget", budget, expected)])
    return fixed + list(islice(in_turn(study, phases), max(budget - n_started, 0)))


def next_run(study: Study, finished: Sequence[Run], failed: Sequence[Run] = ()) -> Run | None:
    """The run to do next while time allows, after all that has finished (or is running); None when none is left."""
    done = {run.run_id for run in finished} | {run.run_id for run in failed}
    for phase in study.phases:
        if phase.criterion is None:
            for run in factorial_runs(study, phase):
                if run.run_id not in done:
                    return run
    return next(in_turn(study, sequential_phases(study, finished, failed)), None)


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
    """A sequential phase with what of it has run: `start_runs`, and as level numbers `start` (n_runs, n_factors)."""

    phase: Phase
    candidates: Candidates
    start_runs: tuple[Run, ...]
    start: np.ndarray

    @property
    def n_left(self) -> int:
        """Candidates that have not run."""
        return int(self.candidates.rows_of(self.start)[1].sum())

    def order(self, study: Study, work: Callable[[Run], float] | None = None) -> Iterator[int]:
        """Rows of the candidates, the best next one first, to the last; with their work, best for the money."""
        seed = study_seed_sequence(study, f"design of phase {self.phase.name}")
        criterion, balance = str(self.phase.criterion), self.candidates.positions(self.phase.balance)
        if criterion in WEIGHTS:
            return optimal(criterion, self.candidates, self.start, seed)
        if criterion == "balance-alias":
            return balance_alias(self.candidates, self.start, balance, seed)
        works = None
        if work is not None:
            runs = [self.candidates.run(study, self.phase.name, row) for row in range(len(self.candidates))]
            works = np.array([work(run) for run in runs])
        return anytime(self.candidates, self.start, balance, seed, works)


def sequential_phases(study: Study, finished: Sequence[Run] = (), failed: Sequence[Run] = ()) -> list[SequentialPhase]:
    """The sequential phases, each with candidates of its own: what another phase has already is not among them."""
    raise_all(_phase_faults(study, [*finished, *failed]))
    taken = [enumerate_candidates(study, phase) for phase in study.phases if phase.criterion is None]
    found = []
    for phase in study.phases:
        if phase.criterion is None:
            continue
        candidates = enumerate_candidates(study, phase)
        own = candidates
        for other in taken:
            own = own.without(other)
        taken.append(candidates)
        runs = tuple({run.run_id: run for run in finished if run.phase == phase.name}.values())
        lost = candidates.codes_of([run for run in failed if run.phase == phase.name])
        own = own.without(Candidates(candidates.factors, lost))
        found.append(SequentialPhase(phase, own, runs, candidates.codes_of(runs)))
    return found


def in_turn(
    study: Study, phases: Sequence[SequentialPhase], work: Callable[[Run], float] | None = None
) -> Iterator[Run]:
    """New runs of the sequential phases, each time of the phase that has fewest, to the last candidate."""
    counts = {phase.phase.name: len(phase.start_runs) for phase in phases}
    orders = {phase.phase.name: (phase, phase.order(study, work)) for phase in phases}
    while orders:
        name = min(orders, key=counts.__getitem__)
        phase, order = orders[name]
        row = next(order, None)
        if row is None:
            del orders[name]
        else:
            counts[name] += 1
            yield phase.candidates.run(study, name, row)


def _phase_faults(study: Study, runs: Sequence[Run]) -> Iterator[Fault]:
    names = [phase.name for phase in study.phases]
    for run in runs:
        if run.phase not in names and not run.is_baseline:
            expected = f"expected one of the study's phases: {', '.join(names)}"
            yield Fault("", f"run {run.run_id} phase", run.phase, expected, nearest(run.phase, names))
    for phase in study.phases:
        if phase.criterion in WEIGHTS and "balance" in phase.model_fields_set:
            expected = f'criterion = "{phase.criterion}" balances nothing; "anytime" balances what is asked'
            yield Fault(FILE_NAME, f"[[design.phase]] {phase.name} balance", list(phase.balance), expected)
