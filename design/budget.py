"""What a study may spend: a number of runs, GPU-hours, CPU-hours, or days."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from study.core.durations import Unit
from study.core.errors import Fault, InputFaults
from study.core.run import Run
from study.core.study_file import Study

Cost = Callable[[Run], float | None]
"""Hours of a run, in the unit of the budget; None while they cannot be known."""

EXPECTED = "expected 40, 3cpuh, 400gpuh or 5d: runs, CPU-hours, GPU-hours, or days of the cluster or this machine"


@dataclass(frozen=True)
class Hours:
    """A budget in GPU-hours or CPU-hours, for the runs of all phases."""

    hours: float
    unit: Unit


def read_budget(text: str | None, study: Study) -> int | Hours | None:
    """`40` (runs of the sequential phases), `3cpuh`, `400gpuh`, or `5d`; None stays None.

    Days are of all GPUs of `[cluster]`, or, where the study file names none, of all CPUs of this machine.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?)(gpuh|cpuh|d)", text)
    if not found:
        raise InputFaults([Fault("", "--budget", text, EXPECTED)])
    amount, unit = float(found[1]), found[2]
    if unit == "d":
        gpus = study.cluster.gpus
        amount, unit = (amount * 24 * gpus, "gpuh") if gpus else (amount * 24 * (os.cpu_count() or 1), "cpuh")
    return Hours(amount, "GPU-hours" if unit == "gpuh" else "CPU-hours")


def hours_of(runs: Sequence[Run], cost: Cost) -> list[float]:
    """Hours of each run. Raises `InputFaults` where they are not known."""
    found = [cost(run) for run in runs]
    known = [hours for hours in found if hours is not None]
    if len(known) < len(found):
        expected = (
            "the cost of a run cannot be estimated before the corpus has tracks; expected a number of runs, such as 352"
        )
        raise InputFaults([Fault("", "--budget", None, expected)])
    return known


def affordable(budget: Hours, fixed: Sequence[Run], more: Iterator[Run], cost: Cost) -> list[Run]:
    """As many of `more`, in their order, as are paid for when the `fixed` runs are; the first too dear one ends it.

    Raises `InputFaults`, saying how much they need, if the budget is too small for the fixed ones.
    """
    spent = sum(hours_of(fixed, cost))
    if spent > budget.hours:
        expected = f"the {len(fixed)} runs of factorial phases and finished runs need {spent:.4g} {budget.unit}"
        raise InputFaults([Fault("", "--budget", f"{budget.hours:.4g} {budget.unit}", expected)])
    bought = []
    for run in more:
        spent += hours_of([run], cost)[0]
        if spent > budget.hours:
            break
        bought.append(run)
    return bought
