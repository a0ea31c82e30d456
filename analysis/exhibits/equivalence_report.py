"""Whether the effects are too small to matter, by the margin that the user sets."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.equivalence import BEYOND, UNDECIDED, WITHIN, equivalence
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.questions import effect_of
from analysis.report.model_verdicts import model_verdicts
from analysis.results_table import ResultsTable
from analysis.wording import called, few, listed, number
from study.core.margin import Margin

NAME = "equivalence"


def exhibit(evidence: Evidence) -> Exhibit:
    """One sentence per family, and the verdict on each effect."""
    margin, table = evidence.options.margin, evidence.table
    stated = model_verdicts(evidence)
    if margin is None or stated.empty:
        return Exhibit(NAME, evidence.question)
    found = equivalence(stated, margin, table.moments)
    shown = margin_shown(margin, table)
    note = (
        f"Margin: {shown}. An effect is no larger than the margin where its simultaneous 95 % interval is inside it "
        "(two one-sided tests at 2.5 %), and larger where the interval is outside."
    )
    said = tuple(sentences(found, shown))
    return Exhibit(NAME, evidence.question, (Table(NAME, "Practical equivalence", note, found),), headline=said)


def margin_shown(margin: Margin, table: ResultsTable) -> str:
    """`0.2 SD`, `0.01 accuracy` or, where targets differ in their metrics, `0.01 in the metric of every target`."""
    metrics = list(dict.fromkeys(table.moments["metric"]))
    unit = "SD" if margin.in_sd else metrics[0] if len(metrics) == 1 else "in the metric of every target"
    return f"{margin.size:g} {unit}"


def sentences(found: pd.DataFrame, margin: str) -> Iterator[str]:
    """Of each family: that no effect is larger than the margin, or which are; of those that nothing is known of, one
    sentence."""
    unknown = []
    for family, rows in found.groupby("family", sort=False):
        effect, n = effect_of(str(family)), len(rows)
        beyond, undecided = (rows.loc[rows["equivalence"] == kind, "effect"] for kind in (BEYOND, UNDECIDED))
        if (rows["equivalence"] == WITHIN).all():
            largest = number(float(rows[["ci_low", "ci_high"]].abs().max(axis=None)))
            yield f"No {effect} is larger than {margin}: the 95 % intervals exclude more than {largest} SD."
        elif len(undecided) == n:
            unknown.append(effect)
        else:
            parts = [f"larger for {listed(few([called(name) for name in beyond]))}"] * bool(len(beyond))
            parts += [f"undecided for {len(undecided)} of {n}"] * bool(len(undecided))
            rest = "; all others are no larger" if len(beyond) + len(undecided) < n else ""
            yield f"Compared with {margin}, the {effect} is {' and '.join(parts)}{rest}."
    if unknown:
        yield f"These runs do not settle whether any {' or '.join(unknown)} is larger than {margin}."
