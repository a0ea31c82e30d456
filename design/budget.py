"""What a study may spend: a number of runs, GPU-hours, or days of its cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from study.core.errors import Fault, InputFaults
from study.core.run import Run
from study.core.study_file import FILE_NAME, Study

Cost = Callable[[Run], float | None]
"""GPU-hours of a run; None while they cannot be known."""


@dataclass(frozen=True)
class GpuHours:
    """A budget in GPU-hours, for the runs of all phases."""

    hours: float


def read_budget(text: str | None, study: Study) -> int | GpuHours | None:
    """`352` (runs of the sequential phases), `400gpuh`, or `5d` (days of all GPUs of `[cluster]`); None stays None."""
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?)(gpuh|d)", text)
    if not found:
        expected = "expected runs such as 352, GPU-hours such as 400gpuh, or days of the cluster such as 5d"
        raise InputFaults([Fault("", "--budget", text, expected)])
    amount, unit = float(found[1]), found[2]
    if unit == "gpuh":
        return GpuHours(amount)
    if not study.cluster.gpus:
        expected = "missing or 0: a budget in days needs to know how many GPUs there are"
        raise InputFaults([Fault(FILE_NAME, "[cluster] gpus", study.cluster.gpus, expected)])
    return GpuHours(amount * 24 * study.cluster.gpus)


def hours_of(runs: Sequence[Run], cost: Cost) -> list[float]:
    """GPU-hours of each run. Raises `InputFaults` where they are not known."""
    found = [cost(run) for run in runs]
    known = [hours for hours in found if hours is not None]
    if len(known) < len(found):
        expected = (
            "what a run costs is not known before the corpus's tracks are; expected a number of runs, such as 352"
        )
        raise InputFaults([Fault("", "--budget", None, expected)])
    return known


def affordable(budget: GpuHours, fixed: Sequence[Run], more: Iterator[Run], cost: Cost) -> list[Run]:
    """As many of `more`, in their order, as are paid for when the `fixed` runs are; the first too dear one ends it.

    Raises `InputFaults`, saying how much they need, if the budget is too small for the fixed ones.
    """
    spent = sum(hours_of(fixed, cost))
    if spent > budget.hours:
        expected = f"the {len(fixed)} runs that are fixed need {spent:.4g} GPU-hours"
        raise InputFaults([Fault("", "--budget", f"{budget.hours:.4g} GPU-hours", expected)])
    bought = []
    for run in more:
        spent += hours_of([run], cost)[0]
        if spent > budget.hours:
            break
        bought.append(run)
    return bought
