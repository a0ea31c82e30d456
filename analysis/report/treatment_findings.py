"""The answer for a table of any field in plain sentences, each short however many levels and targets there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.contrasts import HIGHER, LOWER, NOT_SIGNIFICANT
from analysis.fitted_model import Model
from analysis.headline_terms import ONE_SCORE
from analysis.report.factor_findings import over_range
from analysis.report.phrases import note_on, size
from analysis.results_table import ResultsTable
from analysis.treatment_statements import OF_ALL, compared_levels
from analysis.verdict_rows import COLUMNS, NONE_FRAGILE, Fragile, verdict_rows
from analysis.wording import in_brief, number
from study.core.coding import DETERMINED
from study.core.columns import FACTOR, factor_column
from study.core.factors import Level
from study.core.scales import are_numbers, scale_of

ROOM = 230
"""Characters that a list within a sentence may take."""
VERBS = {HIGHER: "raises the score", LOWER: "lowers the score", NOT_SIGNIFICANT: "has no detectable effect"}


def treatment_verdicts(model: Model, fragile: Fragile = NONE_FRAGILE) -> pd.DataFrame:
    """`verdict_rows` of all that the model states, with its `term`; numbers over the range that was run. None where
    nothing may be called significant."""
    if model.fit is None or model.no_verdicts or model.statements.empty:
        return pd.DataFrame(columns=[*COLUMNS, "term"])
    rows = model.statements.reset_index(drop=True)
    spans = rows["effect"].map(lambda effect: _span(effect, model.fit.fixed))
    names = [_shown(term, model) for term in rows["effect"]]
    return verdict_rows(over_range(rows, spans), fragile, names).assign(term=rows["effect"])


def _shown(term: str, model: Model) -> str:
    if model.fit is None or term not in model.fit.fixed:
        return term
    name = term.removeprefix(FACTOR)
    return f"{name.removesuffix('^2')} (curvature)" if name.endswith("^2") else f"{name} over its range"


def on_treatments(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """What each treatment does, its levels ranked; interactions; what all this holds for."""
    verdicts = treatment_verdicts(model)
    if model.fit is None:
        yield f"The differences cannot be tested: {_why_not(model)}."
    for name, levels in table.factor_levels.items():
        here = verdicts[verdicts["family"] == factor_column(name)]
        if are_numbers(levels) and len(here):
            yield from _on_number(name, levels, here, fragile)
        else:
            yield from _on_levels(table, model, name, here, fragile)
    yield from _on_interactions(verdicts[verdicts["family"].str.contains(":factor.", regex=False)], fragile)
    yield from _on_left_out(model)
    yield from on_scope(table, model)


def _why_not(model: Model) -> str:
    if model.n_rows <= model.coding.columns.shape[1]:
        return "each combination of treatments has one score, so that nothing shows how much scores vary"
    return str(model.why_not)


def ranking(table: ResultsTable, model: Model, name: str) -> pd.Series:
    """The mean of each level of a treatment, the highest first: by the model, or of the scores where it has none."""
    if len(model.means) and (own := model.means["treatment"] == name).any():
        means = model.means[own].set_index("level")["estimate"]
    else:
        means = table.scores.groupby(factor_column(name))["z"].mean()
    return means.sort_values(ascending=False)


def _on_levels(table: ResultsTable, model: Model, name: str, here: pd.DataFrame, fragile: Fragile) -> Iterator[str]:
    ranked = ranking(table, model, name)
    pairs = compared_levels(name, list(ranked.index))
    if len(here) == 1:
        (row,) = here.itertuples()
        yield f"{name}: {_compared(*pairs[row.term], row, fragile)}."
        return
    means = [f"{level} ({_sd(mean)})" for level, mean in ranked.items()]
    yield f"{name}, ranked by mean score: {in_brief(means, ROOM)}."
    if here.empty:
        if model.fit is not None and not model.no_verdicts:
            yield f"The levels of {name} cannot be compared: they are confounded with the treatments before."
        return
    lower = {pairs[term][1] for term in here["term"]}
    if len(lower) == 1:
        (base,) = lower
        yield f"{name}, compared with {'the ' * (base == OF_ALL)}{base}: {_by_verdict(here, pairs, base, fragile)}."
    else:
        best = str(ranked.index[0])
        yield f"{name}: compared with {best}, the score is {_by_verdict(here, pairs, best, fragile)}."


def _compared(upper: str, lower: str, row: Any, fragile: Fragile) -> str:
    """Two levels, the higher one first."""
    if row.verdict == NOT_SIGNIFICANT:
        return f"{upper} and {lower} do not differ significantly: {upper} {size(row, row.p)}"
    if row.verdict == LOWER:
        upper, lower, row = lower, upper, _turned(row)
    return f"{upper} scores higher than {lower}: {size(row, row.p, note_on(row.term, fragile))}"


def _by_verdict(here: pd.DataFrame, pairs: dict[str, tuple[str, str]], base: str, fragile: Fragile) -> str:
    """What is higher than one level, what is lower and what does not differ significantly."""
    groups: dict[str, list[tuple[float, str]]] = {HIGHER: [], LOWER: [], NOT_SIGNIFICANT: []}
    for row in here.itertuples():
        upper, lower = pairs[row.term]
        if base in (upper, lower):
            seen = row if lower == base else _turned(row)
            level = upper if lower == base else lower
            note = "" if seen.verdict == NOT_SIGNIFICANT else note_on(row.term, fragile)
            groups[seen.verdict].append((-seen.estimate, f"{level} {size(seen, seen.p, note)}"))
    titles = {HIGHER: "higher for", LOWER: "lower for", NOT_SIGNIFICANT: "not significantly different for"}
    filled = [verdict for verdict, rows in groups.items() if rows]
    said = [
        f"{titles[verdict]} {in_brief([text for _, text in sorted(groups[verdict])], ROOM // len(filled))}"
        for verdict in filled
    ]
    return f"{'; '.join(said)} ({len(here)} comparisons)"


def _on_number(name: str, levels: Sequence[Level], here: pd.DataFrame, fragile: Fragile) -> Iterator[str]:
    low, high = f"{min(levels):g}", f"{max(levels):g}"
    on = ", on a logarithmic scale," if scale_of(levels) == "log" else ""
    for row in here.itertuples():
        effect = size(row, row.p, note_on(row.term, fragile))
        if row.term.endswith("^2"):
            curved = "is curved" if row.verdict != NOT_SIGNIFICANT else "has no detectable curvature"
            yield f"The effect of {name} {curved}: {effect} over the range."
        else:
            yield f"{name} from {low} to {high}{on} {VERBS[row.verdict]}: {effect}."


def _on_interactions(verdicts: pd.DataFrame, fragile: Fragile) -> Iterator[str]:
    """A sentence for each interaction that is significant, and one for all others."""
    others = []
    for family, here in verdicts.groupby("family", sort=False):
        a, b = (name.removeprefix(FACTOR) for name in str(family).split(":factor.", 1))
        found = here[here["verdict"] != NOT_SIGNIFICANT]
        if found.empty:
            others.append(f"{a} x {b}")
            continue
        found = found.assign(size=found["estimate"].abs()).sort_values("size", ascending=False)
        parts = [f"{row.effect} {size(row, row.p, note_on(row.term, fragile))}" for row in found.itertuples()]
        yield f"The effect of {a} depends on {b}; beyond the sum of both: {in_brief(parts, ROOM)}."
    if others:
        yield f"No interaction is detectable: {in_brief(others, ROOM)}."


def _on_left_out(model: Model) -> Iterator[str]:
    gone = [term.removeprefix(FACTOR) for term, why in model.coding.left_out.items() if why == DETERMINED]
    if gone:
        yield f"Confounded with the treatments before them, and so not estimable: {in_brief(gone, ROOM)}."


def on_scope(table: ResultsTable, model: Model) -> Iterator[str]:
    """What the statements hold for, and why nothing may be called significant, if so."""
    roles, one_target = table.roles, len(table.targets) == 1
    if one_target:
        yield (
            f"One SD is {table.moments['sd'].iloc[0]:.3g} in {roles.score}. All scores are of one target, so nothing "
            "can be said of others."
        )
    else:
        yield f"One SD is the standard deviation of {roles.score} on a target."
    if model.fit is None:
        return
    groups = {term.group for term in model.random_part}
    units = f"other units ({roles.unit_called})"
    populations = "other splits" if roles.over_splits else "other targets"
    over = [] if one_target else [f"{populations} ({roles.target})"]
    over += [units] if "run_id" in groups or ONE_SCORE in model.omitted.values() else []
    yield f"These statements generalise to {' and '.join(over)} like those of this table."
    if roles.over_splits:
        yield "Splits share training data, so intervals are somewhat too narrow; nothing can be said of other data."
    if any("these very trained models" in why for why in model.omitted.values()):
        yield "Each combination of treatments is one unit: statements hold for these very units, and not for new ones."
    if model.no_verdicts:
        yield f"No difference is called significant, because {model.no_verdicts}."


def _span(effect: str, columns: pd.DataFrame) -> float:
    """How far the numbers of an effect range, `factor.size` or `size with data[web]`; 1 of levels alone."""
    names = [part if part in columns else factor_column(part) for part in effect.split(" with ")]
    numbers = [name for name in names if name in columns and not name.endswith("]")]
    return float(np.prod([np.ptp(columns[name]) for name in numbers])) if numbers else 1.0


def _turned(row: Any) -> Any:
    """A difference seen from its other side."""
    verdict = {HIGHER: LOWER, LOWER: HIGHER}.get(row.verdict, row.verdict)
    return row._replace(estimate=-row.estimate, ci_low=-row.ci_high, ci_high=-row.ci_low, verdict=verdict)


def _sd(value: float) -> str:
    return f"{'+' * (value > 0)}{number(value)} SD"
