"""The page's verdict: how precisely the plan will answer, in sentences, and what more or fewer runs would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from design.expected_errors import over_targets, run_rows
from study.core.coding import Coding, first_model
from study.core.columns import FACTOR
from study.core.effects import Effect, effects_of
from study.core.run import Run
from study.core.study_file import Study
from study.core.variances import (
    ALPHA,
    COMBINATION_SD,
    FACTOR_SD,
    RESIDUAL_SD,
    RUN_SD,
    RUN_SHARE,
    SLOPE_SD,
    STRATEGY_SD,
    WANTED_POWER,
    assumed_variances,
)

FURTHER_RUNS = 50
KINDS = {
    "pairs": "differences between strategies at n* = 0",
    "slopes": "slopes on the number of sources",
    "factors": "effects of further factors (numeric ones over their range)",
}


def kind_of(effect: Effect) -> str:
    """Which of `KINDS` an effect belongs to."""
    if effect.is_comparison:
        return "pairs"
    return "slopes" if effect.name.endswith(":n_star") else "factors"


def margins(coding: Coding, n_targets: int, run_share: float = RUN_SHARE) -> dict[str, float]:
    """The widest half-width of a 95 % interval of each kind of effect, of numbers over their range; nan where some
    cannot be estimated."""
    effects = effects_of(list(coding.columns))
    if not effects:
        return {}
    margin = over_targets(coding, effects, assumed_variances(coding.columns, run_share), n_targets).margin
    margin = margin * [_span(coding, effect) for effect in effects]
    kinds = [kind_of(effect) for effect in effects]
    return {kind: float(np.max(margin[np.array([each == kind for each in kinds])])) for kind in KINDS if kind in kinds}


def margin_curve(study: Study, fixed: Sequence[Run], sequential: Sequence[Run], sizes: Sequence[int]) -> pd.DataFrame:
    """`margins` after each of the numbers of sequential runs: n_runs, then a column a kind."""
    n_targets = max(len(study.targets), 2)
    rows = []
    for size in sizes:
        runs = [*fixed, *sequential[:size]]
        coding = _first_model(study, runs)
        if len(runs) > coding.columns.shape[1]:
            rows.append({"n_runs": size, **margins(coding, n_targets)})
    return pd.DataFrame(rows)


def verdict(
    study: Study, runs: Sequence[Run], further: Sequence[Run], smallest: Mapping[float, Mapping[str, float]]
) -> list[str]:
    """Sentences on how precisely `runs` will answer, and what the `further` ones of the same order would add.

    `smallest` has, by the part of the variance that runs share, the smallest effect by name that studies simulated over
    this plan found with `WANTED_POWER`; it may lack any.
    """
    n_targets = len(study.targets)
    coding = _first_model(study, runs)
    if n_targets < 2:
        return ["With a single target, results cannot be generalised to others; its standard errors are below."]
    if len(runs) <= coding.columns.shape[1]:
        return [f"{len(runs)} runs are too few for the {coding.columns.shape[1]} terms of the first model."]
    known, alone = margins(coding, n_targets), margins(coding, n_targets, 0.0)
    known = {kind: value for kind, value in known.items() if np.isfinite(value)}
    if not known:
        return ["No effect of the first model is estimable from these runs; the table below lists them."]
    sentences = [
        f"With {len(runs)} runs and {n_targets} targets, 95 % intervals will be no wider than "
        + _listed([f"±{value:.2f} SD for {KINDS[kind]}" for kind, value in known.items()])
        + "."
    ]
    found = _smallest_by_kind(coding, smallest.get(RUN_SHARE, {}))
    if found:
        adjusted = " (adjusted for all pairs)"
        parts = [f"{value:.2f} SD for {KINDS[kind]}{adjusted * (kind == 'pairs')}" for kind, value in found.items()]
        sentences.append(
            f"The smallest effects detected with a power of {WANTED_POWER:.0%} at the {ALPHA:.0%} level are "
            f"{_listed(parts)}."
        )
    if further:
        coded = _first_model(study, [*runs, *further])
        wider = margins(coded, n_targets)
        sentences.append(f"Another {len(further)} runs would narrow the intervals to {_widths(wider, known)}.")
    sentences.append(
        f"This assumes SDs of {RESIDUAL_SD:g} for a single score around the model, {RUN_SD:g} for what all scores of a "
        f"run share and {COMBINATION_SD:g} for what all runs of a combination share; and between targets of "
        f"{STRATEGY_SD:g} for strategies, {SLOPE_SD:g} for slopes and {FACTOR_SD:g} for a further factor over its "
        "range (1 is the SD of the scores on a target)."
    )
    if smaller := list(_smallest_by_kind(coding, smallest.get(0.0, {})).values()):
        effects = _listed([f"{value:.2f} SD" for value in smaller])
        effects = f", and the smallest effects detected {effects}"
    else:
        effects = ""
    sentences.append(f"If the scores of a run shared nothing, the intervals would be {_widths(alone, known)}{effects}.")
    return sentences


def _widths(values: Mapping[str, float], kinds: Iterable[str]) -> str:
    return _listed([f"±{values[kind]:.2f} SD" for kind in kinds])


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _smallest_by_kind(coding: Coding, smallest: Mapping[str, float]) -> dict[str, float]:
    by_kind: dict[str, list[float]] = {}
    for effect in effects_of(list(coding.columns)):
        least = smallest.get(effect.name, np.nan) * _span(coding, effect)
        by_kind.setdefault(kind_of(effect), []).append(least)
    return {kind: max(by_kind[kind]) for kind in KINDS if kind in by_kind and np.isfinite(by_kind[kind]).all()}


def _first_model(study: Study, runs: Sequence[Run]) -> Coding:
    return first_model(run_rows(study, runs), study.further_factors, study.known_strategies)


def _span(coding: Coding, effect: Effect) -> float:
    """What a further factor's effect is multiplied by: a number's range, and 1 of a level and of all other effects."""
    return float(np.ptp(coding.columns[effect.name])) if effect.name.startswith(FACTOR) else 1.0
