"""What the design's page says in words: what the plan cannot tell, leaves out, and has beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from design.diagnostics import PhaseDiagnostics
from study.core.columns import FACTOR, SOURCE, factor_column
from study.core.durations import Unit
from study.core.run import Run, baseline_runs
from study.core.study_file import Study


def on_phases(found: Sequence[PhaseDiagnostics]) -> list[str]:
    """What the runs of sequential phases cannot balance, have or estimate, and what is derived from it."""
    notes = []
    for each in found:
        notes += [f"{each.name}: {contradiction}" for contradiction in each.contradictions or ()]
        if each.contradictions is None:
            notes.append(f"{each.name}: too many candidates to check which factors cannot be balanced at once")
        notes += [f"{each.name}: {impossible}" for impossible in each.impossible]
        notes += [
            f"{each.name}: the term {term} is not estimable, because other terms determine it: in normalised columns, "
            f"it is {of}"
            for term, of in each.dependent.items()
        ]
        notes += [f"{each.name}: {derived}" for derived in each.derived]
        last = each.prefixes.iloc[-1]
        if np.isnan(last.d_efficiency):
            notes.append(f"{each.name}: {last.n_runs:.0f} runs are too few to estimate all main effects")
    return notes


def on_baselines(study: Study, cost_hours: Callable[[Run], float | None], unit: Unit) -> Iterator[str]:
    """How many baselines are run beside the plan, and what they cost."""
    runs = baseline_runs(study)
    if not runs:
        return
    untrained = [run for run in runs if run.strategy == "Random"]
    names = list(untrained[0].factors) if untrained else []
    each = f" ({study.baselines.random} for each {' x '.join(names)} of the study)" if names else ""
    costs = [cost_hours(run) for run in runs]
    hours = "" if None in costs else f", about {math.fsum(costs):.2g} {unit}"  # type: ignore[arg-type]
    yield (
        f"baselines: {len(runs) - len(untrained)} MFCC and {len(untrained)} Random{each} are evaluated on every "
        f"target in addition to the plan{hours}; they are not trained"
    )


def on_unused_levels(study: Study, levels: pd.DataFrame) -> list[str]:
    """Levels of the study that no run of the plan has, in words; points of a range need none."""
    ranges = [factor_column(name) for name, of in study.further_factors.items() if of.is_range]
    levels = levels[~levels.factor.isin(ranges)]
    total = levels.groupby(["factor", "level"], sort=False).n_runs.sum()
    unused = total[total == 0].reset_index()
    unused = unused[~(unused.factor.str.startswith(SOURCE) & (unused.level == "False"))]
    return [
        f"no run of this plan has {factor.removeprefix(FACTOR)} = {', '.join(of.level)}"
        for factor, of in unused.groupby("factor", sort=False)
    ]
