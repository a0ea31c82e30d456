"""The cost of a run of the study, from the cheapest to the most expensive that its phases and factors allow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from study.core.backbone_costs import own_backbones
from study.core.durations import Unit
from study.core.run import Run, make_run
from study.core.run_works import COSTLY_FACTORS
from study.core.study_file import Study
from study.workflow.estimates import UNTIMED, estimate_from, planned_runs, read_records, runs_on_gpu


@dataclass(frozen=True)
class RunCost:
    """Hours of the cheapest and the most expensive run; `basis` is their source, `note` what they leave out."""

    unit: Unit
    least: float
    most: float
    basis: str
    note: str = ""

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"a run takes about {self.least:.2g} to {self.most:.2g} {self.unit} {self.basis}{note}"


def cost_of_a_run(study: Study) -> RunCost | None:
    """The cost of the cheapest and the most expensive possible run; None while unknown, and for the backbone of an
    installed package, which is not loaded."""
    if own_backbones(study):
        return None
    records = read_records(study, planned_runs(study))
    on_gpu = runs_on_gpu(study, records, may_look=True) is not False
    estimate = estimate_from(study, records, on_gpu, may_measure=True)
    known = [hours for run in _extreme_runs(study) if (hours := estimate.hours(run)) is not None]
    if not known:
        return None
    note = "" if on_gpu or estimate.has_timed(study.targets) else UNTIMED
    return RunCost(estimate.unit, min(known), max(known), estimate.basis, note)


def _extreme_runs(study: Study) -> Iterator[Run]:
    """For each phase, runs with its fewest and most sources, at every level that changes the cost of a training."""
    costly = {name: levels for name, levels in study.further_factors.items() if name in COSTLY_FACTORS}
    for phase in study.phases:
        for levels, n in itertools.product(itertools.product(*costly.values()), {*phase.n_sources}):
            if n in (min(phase.n_sources), max(phase.n_sources)):
                chosen = dict(zip(costly, levels, strict=True))
                for sources in (tuple(study.sources)[:n], tuple(study.sources)[-n:]):  # `self` costs twice
                    for strategy in phase.strategy:
                        yield make_run(study, phase.name, 0, strategy, sources, chosen)
