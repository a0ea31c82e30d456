"""Which runs to pay for, and in which order: the story of the design.

The phases of the study file give their runs independently (the paper's 4.3). A factorial phase has every combination,
`repeats` times. A sequential phase has a criterion, and with it an order of its combinations that is good wherever it
is stopped: that is where the budget goes. No combination is planned by two phases, and none that a constraint forbids.

An order is a supply: a plan of N runs is the first N of it, so the plan of k is the beginning of the plan of N. What
finished, in whatever order and whoever planned it, is where the order starts from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from design.budget import Cost, Hours, affordable
from design.phases import SequentialPhase, factorial_runs, n_possible, n_repeats, repeated, sequential_phases
from study.core.cost import run_work
from study.core.errors import Fault, InputFaults, raise_all
from study.core.run import Run
from study.core.study_file import Study


def generate(
    study: Study,
    budget: int | Hours | None,
    finished: Sequence[Run] = (),
    failed: Sequence[Run] = (),
    cost: Cost = lambda run: None,
) -> list[Run]:
    """The plan: the runs of the factorial phases in the file's order, then those of the sequential ones.

    A budget of runs counts those of the sequential phases, what is `finished` among them included (it is kept, in its
    order, also beyond the budget); several sequential phases take turns by their shares. A budget of `Hours` pays for
    all phases, the factorial ones and what is finished first, and `anytime` then weighs information against a run's
    work in FLOPs: `cost`, in the unit of the budget, decides where the order is cut and nothing else.
    `failed` runs, of whatever phase, are not planned again: in a sequential phase the best next ones take their places.
    Baselines among either are passed over.

    Raises `InputFaults`: a budget without a sequential phase or the other way round, beyond the candidates (saying how
    many there are), too small for what is fixed (saying what that needs); a sequential phase that gets no run; runs of
    phases or levels that the study does not have.
    """
    phases = sequential_phases(study, finished, failed)
    lost = {run.run_id for run in failed}
    fixed = [run for phase in study.phases if phase.criterion is None for run in factorial_runs(study, phase)]
    fixed = [run for run in {run.run_id: run for run in reversed(fixed)}.values() if run.run_id not in lost][::-1]
    if not phases:
        if budget is not None:
            expected = "the study has no sequential phase; leave the budget out"
            raise InputFaults([Fault("", "--budget", budget, expected)])
        return fixed
    fixed += [run for phase in phases for run in phase.start_runs]
    if isinstance(budget, Hours):
        plan = fixed + affordable(budget, fixed, in_turn(study, phases, partial(run_work, study)), cost)
    else:
        n_started = sum(len(phase.start_runs) for phase in phases)
        possible = n_possible(phases)
        if budget is None or not 0 <= budget <= possible:
            missing = "missing: " * (budget is None)
            expected = f"{missing}the sequential phases have {possible:,} possible runs; expected a number up to that"
            raise InputFaults([Fault("", "--budget", budget, expected)])
        plan = fixed + list(islice(in_turn(study, phases), max(budget - n_started, 0)))
    raise_all(_empty_phases(phases, plan, budget))
    return plan


def next_run(study: Study, finished: Sequence[Run], failed: Sequence[Run] = ()) -> Run | None:
    """The run to do next while time allows, after all that has finished (or is running); None when none is left."""
    done = {run.run_id for run in finished} | {run.run_id for run in failed}
    for phase in study.phases:
        if phase.criterion is None:
            for run in factorial_runs(study, phase):
                if run.run_id not in done:
                    return run
    return next(in_turn(study, sequential_phases(study, finished, failed)), None)


def in_turn(
    study: Study, phases: Sequence[SequentialPhase], work: Callable[[Run], float] | None = None
) -> Iterator[Run]:
    """New runs of the sequential phases, each time of the phase that is furthest behind its share, to the last.

    The `repeat_share` of a phase's runs repeat combinations that it has, with new seeds: those repeated least, the
    earliest first, so that what is repeated is as balanced as the plan's own beginning.
    """
    had = {phase.phase.name: list(phase.start_runs) for phase in phases}
    counts = {phase.phase.name: len(phase.start_runs) for phase in phases}
    remaining = {phase.phase.name: phase.open.copy() for phase in phases}
    orders = {phase.phase.name: (phase, phase.order(study, remaining[phase.phase.name], work)) for phase in phases}
    while orders:
        name = min(orders, key=lambda name: counts[name] / orders[name][0].phase.share)
        phase, order = orders[name]
        share = phase.phase.repeat_share
        if n_repeats(counts[name] + 1, share) > n_repeats(counts[name], share):
            run = repeated(study, phase, had[name])
        elif (row := next(order, None)) is None:
            del orders[name]
            continue
        else:
            run = phase.candidates.run(study, name, row)
        counts[name] += 1
        had[name].append(run)
        yield run
        for other in phases:
            if other is not phase:
                remaining[other.phase.name][other.candidates.rows_of_runs([run])] = False


def _empty_phases(
    phases: Sequence[SequentialPhase], plan: Sequence[Run], budget: int | Hours | None
) -> Iterator[Fault]:
    """A fault for each sequential phase that gets no run while another gets some."""
    planned = {run.phase for run in plan}
    names = [phase.phase.name for phase in phases]
    value = f"{budget.hours:g} {budget.unit}" if isinstance(budget, Hours) else budget
    for name in names:
        if name not in planned and planned & set(names):
            expected = f"phase {name} gets no run; expected a larger budget, or a larger `share` of phase {name}"
            yield Fault("", "--budget", value, expected)
