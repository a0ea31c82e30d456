"""Sentences on further factors and on factors of the evaluation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.contrasts import HIGHER, LOWER
from analysis.fitted_model import Model
from analysis.report.phrases import by_verdict, note_on, notes_on, size
from analysis.results_table import ResultsTable
from analysis.verdict_rows import NONE_FRAGILE, Fragile, verdict_rows
from analysis.wording import listed
from study.core.coding import DETERMINED
from study.core.columns import FACTOR, TRANSFER
from study.core.evaluation_factors import FINE_TUNE, LAST_LAYER, OWN_HEAD, SCRATCH

TRANSFERRED = {
    LAST_LAYER: "Training a new output layer on a run's frozen network",
    FINE_TUNE: "Fine-tuning a run's network for the target",
    SCRATCH: "Training a run's network for the target from scratch",
    OWN_HEAD: "Taking the network's own output for the source that a target is made of",
}


def over_range(rows: pd.DataFrame, span: float | pd.Series) -> pd.DataFrame:
    """Effects of numbers by the unit as effects over a span of so many units."""
    return rows.assign(**{name: rows[name] * span for name in ("estimate", "ci_low", "ci_high")})


def on_factors(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """What further factors change: levels against the first, numbers over the range that was run."""
    if model.fit is None or model.no_verdicts:
        return
    found = factor_effects(table, model)
    terms = _factor_statements(model)["effect"].reset_index(drop=True)
    groups = by_verdict(found["effect"], found, found["p"], notes_on(terms, fragile)) if len(found) else ""
    parts = [f"the score is {groups}"] * (not found.empty)
    aliased = [name for name, why in model.coding.left_out.items() if name.startswith(FACTOR) and why == DETERMINED]
    if aliased:
        parts.append(f"confounded with the strategies: {listed([name.removeprefix(FACTOR) for name in aliased])}")
    if parts:
        yield (
            "Further factors (levels compared with the first level, numbers over the range that was run): "
            f"{'; '.join(parts)}."
        )


def factor_effects(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> pd.DataFrame:
    """The first model's effects of further factors but `transfer`, as `verdict_rows`; a number over its range."""
    rows = _factor_statements(model)
    names = rows["effect"].str.removeprefix(FACTOR)
    for position, term in rows["effect"].items():
        if term.endswith("^2"):
            names[position] = f"{names[position].removesuffix('^2')} (curvature)"
        elif not term.endswith("]"):
            low, high = table.scores[term].min(), table.scores[term].max()
            names[position] += f" from {low:g} to {high:g}"
            span = float(np.ptp(model.fit.fixed[term]))  # on the factor's scale, where it is coded on one
            rows = pd.concat([rows.drop(index=position), over_range(rows.loc[[position]], span)]).sort_index()
    return verdict_rows(rows, fragile, names)


def _factor_statements(model: Model) -> pd.DataFrame:
    family = model.statements["family"]
    return model.statements[family.str.startswith(FACTOR) & (family != TRANSFER)]


def on_transfer(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """What training on the target changes against a probe on the frozen representation."""
    if model.fit is None or model.no_verdicts or not table.shares_runs:
        return
    for row in verdict_rows(model.statements[model.statements["family"] == TRANSFER]).itertuples():
        level = row.effect.partition("[")[2].removesuffix("]")
        scored = set(table.scores.loc[table.scores[TRANSFER] == level, "target"])
        only = [name for name in table.targets if name not in scored]
        where = f"; no such scores on {listed(only)}" if only else ""
        verdict = {HIGHER: "raises the score", LOWER: "lowers the score"}.get(row.verdict, "has no detectable effect")
        yield (
            f"{TRANSFERRED[level]}, instead of training a probe on its frozen representation, "
            f"{verdict}: it changes by {size(row, row.p, note_on(row.effect, fragile))}{where}."
        )
    reference = listed([f"{name} = {levels[0]}" for name, levels in table.evaluation_levels.items()])
    if reference:
        yield f"Baselines, sources, components and repeats are compared at {reference} only."
