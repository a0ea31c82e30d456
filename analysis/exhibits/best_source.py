"""Multi-source runs with and without the source that serves a target best by itself (paper 5.3, Fig. 13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.exhibits.score_figures import single_source_scores
from analysis.exhibits.source_effects import on_targets
from analysis.figures import OF_SINGLE, panels, shared_legend
from analysis.fitting.inference import half_width
from analysis.questions import BEST_SOURCES
from analysis.results_table import ResultsTable
from analysis.robustness import fragile_to_strategies
from analysis.simultaneous import EACH, Judging, judged
from analysis.verdict_rows import verdict_rows
from analysis.wording import number
from study.core.coding import strategy_columns
from study.core.columns import source_column

WITH, WITHOUT = "#0072B2", "#D55E00"
OF_RUNS = ["target", "source", "single", "n_with", "n_without", "with", "without", "difference"]
JUDGED = ["ci_low", "ci_high", "p_adjusted", "p_holm"]
COLUMNS = [*OF_RUNS, *JUDGED]


def exhibit(evidence: Evidence) -> Exhibit:
    """What the best single source of a target adds to multi-source runs."""
    table = evidence.table.frozen
    effects = effect_of_best_source(table, evidence.options.judging)
    parts, said = tuple(shown(table, effects)), tuple(sentences(effects))
    return Exhibit("best_source", "sources", parts, said, verdicts=verdicts(table, effects))


def shown(table: ResultsTable, effects: pd.DataFrame) -> Iterator[Picture | Table]:
    """Fig. 13, and its numbers."""
    name, title = "with_and_without_best_source", "Multi-source runs with and without the best single source"
    if "n_sources" not in table.scores:
        yield Picture(name, title, "Not drawn: the table does not give the number of sources of each run.", None)
        return
    if not best_sources(table):
        yield Picture(name, title, "Not drawn: there are no single-source scores whose source is known.", None)
        return
    caption = (
        "Each panel is a target and the source that scores highest on it alone. Solid points: runs of that source "
        "alone, and multi-source runs with it; open points: multi-source runs without it. Lines: linear fits with 95 "
        "% bands for the mean; black line: mean of the runs of that source alone."
    )
    yield Picture(name, title, caption, lambda: with_and_without(table))
    if len(effects):
        note = (
            "Standardised scores: mean of the source alone, means of multi-source runs with and without it, and the "
            "difference between these, adjusted for strategy and number of sources (least squares, 95 % intervals, "
            "simultaneous over the targets)."
        )
        yield Table("best_source", "Multi-source scores with and without the best single source", note, effects)


def sentences(effects: pd.DataFrame) -> Iterator[str]:
    """On how many targets multi-source runs are better, or worse, for the best single source among theirs."""
    found = effects.dropna(subset=["difference"])
    if found.empty:
        return
    raised, lowered = found[found["ci_low"] > 0], found[found["ci_high"] < 0]
    least, most = (found.loc[pick] for pick in (found["difference"].idxmin(), found["difference"].idxmax()))
    also = f" and lowers them on {len(lowered)}" if len(lowered) else ""
    yield (
        f"Having the best single source among the sources of a run raises its score on {len(raised)} of {len(found)} "
        f"targets{also}, adjusted for strategy and number of sources; differences range from "
        f"{_with_interval(least)} to {_with_interval(most)}. Intervals are simultaneous over the targets."
    )


def verdicts(table: ResultsTable, effects: pd.DataFrame) -> pd.DataFrame:
    """The effects as `verdict_rows`, robust where they stay without each strategy."""
    found = effects.dropna(subset=["difference"]).rename(columns={"difference": "estimate"})
    named = found.assign(family=BEST_SOURCES, effect=on_targets(found))
    return verdict_rows(named, fragile_to_strategies(table, named, _differences))


def _differences(table: ResultsTable) -> pd.Series:
    """By effect."""
    rows = _effects(table)
    return rows["difference"].set_axis(on_targets(rows))


def _with_interval(row: pd.Series) -> str:
    interval = f"95 % CI {number(row['ci_low'])} to {number(row['ci_high'])}"
    return f"{number(row['difference'])} SD ({interval}; {row['source']} on {row['target']})"


def best_sources(table: ResultsTable) -> Mapping[str, str]:
    """The source whose single-source runs have the highest mean, of each target that has such runs."""
    means = single_source_scores(table).groupby(["target", "source"])["score"].mean()
    scored = set(means.index.get_level_values("target"))
    return {target: means[target].idxmax() for target in table.targets if target in scored}


def effect_of_best_source(table: ResultsTable, judging: Judging = EACH) -> pd.DataFrame:
    """What a target's best single source adds to its multi-source scores, in deviations within the target.

    `target, source, single` (mean z of its own runs), `n_with, n_without, with, without` (mean z of the multi-source
    runs), `difference, ci_low, ci_high, p_adjusted, p_holm`: by least squares on the presence of the source at equal
    strategy and number of sources, with intervals simultaneous over the targets, which are taken for independent.
    Targets where all multi-source runs have the source, or none, are not there.
    """
    if "n_sources" not in table.scores:
        return pd.DataFrame(columns=COLUMNS)
    found = _effects(table)
    tests = found.loc[found["se"].notna(), ["difference", "se", "df"]].astype(float)
    if tests.empty:
        return found.reindex(columns=COLUMNS)
    tests = tests.rename(columns={"difference": "estimate"})
    tests["p"] = 2.0 * stats.t.sf(np.abs(tests["estimate"] / tests["se"]), tests["df"])
    apart = np.eye(len(tests))
    return found.join(judged(tests, apart, apart, judging)[JUDGED])[COLUMNS]


def with_and_without(table: ResultsTable) -> Figure:
    """Fig. 13: standardised score by number of sources; linear fits with pointwise 95 % bands."""
    best = best_sources(table)
    figure, axes = panels(len(best), share_y=True)
    drawn: dict[str, object] = {}
    for one, (target, source) in zip(axes, best.items(), strict=True):
        here = table.scores[table.scores["target"] == target]
        present = here[source_column(source)].to_numpy(dtype=bool)
        single = table.is_single[here.index].to_numpy()
        own = here.loc[single & present, "z"]
        (drawn["the source alone"],) = one.plot(np.ones(len(own)), own, "o", color=OF_SINGLE, markersize=3.6, zorder=3)
        one.axhline(own.mean(), color=OF_SINGLE, linewidth=0.9)
        kinds = (
            ("among several, with it", present, WITH, "o", "-"),
            ("among several, without it", ~present, WITHOUT, "s", "--"),
        )
        for shift, (name, which, colour, marker, dashes) in zip((0.09, -0.09), kinds, strict=True):
            rows = here[~single & which]
            if rows.empty:
                continue
            (drawn[name],) = one.plot(
                rows["n_sources"] + shift,
                rows["z"],
                marker,
                color=colour,
                markersize=2.8,
                alpha=0.55,
                markerfacecolor=colour if which is present else "none",
                markeredgewidth=0.6,
                rasterized=True,
            )
            _line_with_band(one, rows["n_sources"].to_numpy(dtype=float), rows["z"].to_numpy(), colour, dashes)
        one.set(title=f"{target}: {source}", xlabel="number of sources")
        one.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("standardised score")
    shared_legend(figure, drawn)
    return figure


def _effects(table: ResultsTable) -> pd.DataFrame:
    rows = [_effect(table, target, source) for target, source in best_sources(table).items()]
    return pd.DataFrame([row for row in rows if row is not None], columns=[*OF_RUNS, "se", "df"])


def _effect(table: ResultsTable, target: str, source: str) -> tuple[object, ...] | None:
    here = table.scores[table.scores["target"] == target]
    single = here[table.is_single[here.index] & here[source_column(source)].astype(bool)]
    several = here[~table.is_single[here.index]]
    column, y = several[source_column(source)].to_numpy(dtype=float), several["z"].to_numpy()
    if not 0 < column.sum() < len(column):
        return None
    others = np.column_stack([strategy_columns(several, table.known), several["n_sources"].to_numpy(dtype=float)])
    # what strategy and number leave of both: its regression is that of the whole (Frisch & Waugh 1933)
    own, rest = (one - others @ np.linalg.lstsq(others, one, rcond=None)[0] for one in (column, y))
    df = len(y) - np.linalg.matrix_rank(others) - 1
    difference = se = np.nan
    if own @ own > 1e-9 * len(own) and df > 0:
        difference = own @ rest / (own @ own)
        se = np.sqrt(((rest - own * difference) ** 2).sum() / df / (own @ own))
    counts = int(column.sum()), int((1 - column).sum())
    means = y[column == 1].mean(), y[column == 0].mean()
    return target, source, single["z"].mean(), *counts, *means, difference, se, float(df)


def _line_with_band(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, dashes: str) -> None:
    """The least-squares line of y on x over its range, with the pointwise 95 % interval of the mean."""
    if len(x) < 3 or np.ptp(x) == 0:
        return
    fit = stats.linregress(x, y)
    at = np.linspace(x.min(), x.max(), 30)
    line = fit.intercept + fit.slope * at
    deviation = np.sqrt(((y - fit.intercept - fit.slope * x) ** 2).sum() / (len(x) - 2))
    error = deviation * np.sqrt(1.0 / len(x) + (at - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    reach = half_width(error, len(x) - 2)
    axes.plot(at, line, dashes, color=colour)
    axes.fill_between(at, line - reach, line + reach, color=colour, alpha=0.18, linewidth=0)
