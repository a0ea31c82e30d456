"""What having a source does to a multi-source run's score: the differences behind the variances of Table 6.

A source's variance has one degree of freedom and is poorly estimated; its difference uses all runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.linalg import block_diag
from statsmodels.regression.linear_model import OLS

from analysis.contrasts import ALPHA
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels
from analysis.questions import SOURCES
from analysis.results_table import ResultsTable
from analysis.robustness import fragile_to_strategies
from analysis.simultaneous import EACH, Judging, correlation_of, judged
from analysis.verdict_rows import verdict_rows
from analysis.wording import in_brief, number
from study.core.coding import source_columns, strategy_columns
from study.core.columns import SOURCE

COLUMNS = ["target", "source", "estimate", "se", "df", "p", "p_adjusted", "p_holm", "ci_low", "ci_high"]
ROOM = 200
"""Characters of the list of effects in a sentence."""


def exhibit(evidence: Evidence) -> Exhibit:
    """What each source adds to a multi-source run, by target."""
    table = evidence.table.frozen
    effects = source_effects(table, evidence.options.judging)
    return Exhibit(
        "source_effects",
        "sources",
        tuple(shown(effects)),
        tuple(sentences(effects)),
        verdicts=verdicts(table, effects),
    )


def verdicts(table: ResultsTable, effects: pd.DataFrame) -> pd.DataFrame:
    """The effects as `verdict_rows`, robust where they stay without each strategy."""
    named = effects.assign(family=SOURCES, effect=on_targets(effects))
    return verdict_rows(named, fragile_to_strategies(table, named, _estimates))


def _estimates(table: ResultsTable) -> pd.Series:
    """By effect."""
    tests = [part[0] for part in _by_target(table)]
    found = pd.concat(tests, ignore_index=True) if tests else pd.DataFrame(columns=COLUMNS)
    return found["estimate"].set_axis(on_targets(found))


def on_targets(effects: pd.DataFrame) -> pd.Series:
    """What effects of a `source` on a `target` are called."""
    return effects["source"] + " on " + effects["target"]


def shown(effects: pd.DataFrame) -> Iterator[Picture | Table]:
    """The differences with their intervals as a picture and a table."""
    name, title = "source_effects", "What having a source adds"
    if effects.empty:
        yield Picture(
            name, title, "Not drawn: no target has enough multi-source runs that differ in their sources.", None
        )
        return
    caption = (
        "Standardised score of multi-source runs with the source minus without it, adjusted for strategy and the other "
        "sources, so that the run has one source more: least squares within the target, with 95 % intervals that are "
        "simultaneous over all sources and targets. Filled: significant."
    )
    yield Picture(name, title, caption, lambda: _draw(effects))
    note = (
        "With the source minus without it. Intervals and p_adjusted are simultaneous (max-t) over all sources and "
        "targets; p_holm: Holm's method over the same."
    )
    yield Table(name, title, note, effects)


def sentences(effects: pd.DataFrame) -> Iterator[str]:
    """The significant differences, the largest first."""
    found = effects[effects["p_adjusted"] < ALPHA]
    if effects.empty:
        return
    if found.empty:
        yield "No source has a detectable effect on the scores of multi-source runs on any target."
        return
    largest = found.loc[found["estimate"].abs().sort_values(ascending=False, kind="stable").index]
    parts = [
        f"{row.source} on {row.target} {number(row.estimate)} SD ({number(row.ci_low)} to {number(row.ci_high)})"
        for row in largest.itertuples()
    ]
    yield (
        "Having a source has a significant effect on the score of a multi-source run, adjusted for strategy and other "
        f"sources, in {len(found)} of {len(effects)} pairs of source and target: {in_brief(parts, ROOM)} (95 % "
        "intervals that are simultaneous over all pairs)."
    )


def source_effects(table: ResultsTable, judging: Judging = EACH) -> pd.DataFrame:
    """A row a target and source: `target, source, estimate, se, df, p, p_adjusted, p_holm, ci_low, ci_high`, in z.

    Least squares of z on the strategies and the presence of each source, without single-source runs; all rows are one
    family, targets taken for independent, which errs to the safe side (Sidak 1967). Targets where the effects of the
    sources are not estimable, or no degree of freedom is left, have no rows; nor do sources that do not vary.
    """
    parts = _by_target(table)
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    tests = pd.concat([tests for tests, _ in parts], ignore_index=True)
    correlation = block_diag(*(own for _, own in parts))
    of_variances = block_diag(*(np.ones_like(own) for _, own in parts))  # one residual variance a target
    return judged(tests, correlation, of_variances, judging)[COLUMNS]


def _by_target(table: ResultsTable) -> list[tuple[pd.DataFrame, np.ndarray]]:
    several = table.scores[~table.is_single]
    found = [_of_target(several[several["target"] == target], table) for target in table.targets]
    return [part for part in found if part is not None]


def _of_target(rows: pd.DataFrame, table: ResultsTable) -> tuple[pd.DataFrame, np.ndarray] | None:
    """The tests of a target's sources and the correlations of their estimates, if there are any."""
    if rows.empty or not table.sources:
        return None
    present = source_columns(rows, table.sources).loc[:, lambda columns: columns.nunique() > 1]
    design = np.column_stack([strategy_columns(rows, table.known), present])
    if not present.shape[1] or len(rows) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    fit = OLS(rows["z"].to_numpy(), design).fit()
    own = slice(design.shape[1] - present.shape[1], None)
    tests = pd.DataFrame(
        {
            "target": rows["target"].iloc[0],
            "source": [name.removeprefix(SOURCE) for name in present],
            "estimate": fit.params[own],
            "se": fit.bse[own],
            "df": float(fit.df_resid),
            "p": fit.pvalues[own],
        }
    )
    return tests, correlation_of(fit.normalized_cov_params[own, own])


def _draw(effects: pd.DataFrame) -> Figure:
    targets = list(dict.fromkeys(effects["target"]))
    figure, axes = panels(len(targets), height=2.6)
    for one, target in zip(axes, targets, strict=True):
        here = effects[effects["target"] == target].iloc[::-1]  # the first at the top
        one.axvline(0.0, color="#999999", linewidth=0.8)
        one.hlines(here["source"], here["ci_low"], here["ci_high"], color="#0072B2", linewidth=1.4)
        for significant, face in ((True, "#0072B2"), (False, "white")):
            some = here[(here["p_adjusted"] < ALPHA) == significant]
            one.plot(some["estimate"], some["source"], "o", color="#0072B2", markersize=4.5, markerfacecolor=face)
        one.set_yticks(range(len(here)), here["source"])
        one.set(title=target, xlabel="difference")
        one.grid(axis="y", visible=False)
    return figure
