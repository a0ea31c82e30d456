"""Check: every fault of the study file and of all that it points to, at once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from study.core.errors import Fault, InputFaults
from study.core.reading import read_study
from study.core.run import Run, make_run
from study.core.run_works import COSTLY_FACTORS
from study.core.scales import proposals
from study.core.study_file import Study
from study.workflow.estimates import UNTIMED, estimate_from, planned_runs, read_records, runs_on_gpu


def proposals_for(folder: Path) -> list[str]:
    """What a sound study file could say besides."""
    study = read_study(folder)
    return list(proposals(study.further_factors, study.scale))


def check_folder(folder: Path) -> list[Fault]:
    """The faults of the study in `folder`: its file, its tables and its sound."""
    try:
        study = read_study(folder)
        from jobs.preparation import check

        return check(study, os.cpu_count() or 1)
    except InputFaults as error:
        return list(error.faults)


def cost_of_a_run(study: Study) -> dict[str, Any] | None:
    """Hours of the cheapest and of the dearest run that the study can have, in their `unit`; None while unknown.

    `basis` says where they come from, and `note` what they leave out.
    """
    records = read_records(study, planned_runs(study))
    on_gpu = runs_on_gpu(study, records, may_look=True) is not False
    estimate = estimate_from(study, records, on_gpu, may_measure=True)
    known = [hours for run in _extreme_runs(study) if (hours := estimate.hours(run)) is not None]
    if not known:
        return None
    note = "" if on_gpu or estimate.has_timed(study.targets) else UNTIMED
    return {"unit": estimate.unit, "least": min(known), "most": max(known), "basis": estimate.basis, "note": note}


def _extreme_runs(study: Study) -> Iterator[Run]:
    """Each phase with its fewest and its most sources, and every level that changes what a training costs."""
    costly = {name: levels for name, levels in study.further_factors.items() if name in COSTLY_FACTORS}
    for phase in study.phases:
        for levels, n in itertools.product(itertools.product(*costly.values()), {*phase.n_sources}):
            if n in (min(phase.n_sources), max(phase.n_sources)):
                chosen = dict(zip(costly, levels, strict=True))
                for sources in (tuple(study.sources)[:n], tuple(study.sources)[-n:]):  # `self` costs twice
                    for strategy in phase.strategy:
                        yield make_run(study, phase.name, 0, strategy, sources, chosen)
