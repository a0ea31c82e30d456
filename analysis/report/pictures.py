"""Which pictures the report has, in its order, with their captions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from matplotlib.figure import Figure

from analysis.components import Components
from analysis.exhibits.design_figures import aliasing, aliasing_map, balance_bars, correlations, multi_source_runs
from analysis.exhibits.exhibit import Picture
from analysis.exhibits.score_figures import (
    FEWEST_FOR_A_BOX,
    scores_by_n_sources,
    single_source_scores,
    sources_by_target,
    strategies_by_target,
)
from analysis.models import Model
from analysis.report.effect_figures import component_intervals, size_effects, strategy_effects
from analysis.results_table import ResultsTable


def pictures(table: ResultsTable, strategy: Model, size: Model, components: Sequence[Components]) -> Iterator[Picture]:
    """The report's pictures: effects, scores, and the design that was actually run."""
    yield _of_model(
        "effects_strategy",
        "Effects of the strategy and of each further source",
        strategy,
        "Estimates of the first model with 95 % Satterthwaite intervals: each strategy's mean in its simplest case "
        "(one source for SS-R, two for the others; without a slope, at the number that its runs have); the change with "
        "each further source; further factors, where there are any, their levels against the first and numbers by the "
        "unit.",
        lambda: strategy_effects(strategy),
        "strategies",
    )
    yield _of_model(
        "effects_size",
        "Effects of the network's size",
        size,
        "Estimates of the second model with 95 % Satterthwaite intervals; r* runs from 0 (SS-R) to 1 (MSS-CR).",
        lambda: size_effects(size),
        "strategies",
    )
    yield from _of_scores(table.frozen)
    yield _of_components(components)
    yield from _of_design(table)


def _of_scores(table: ResultsTable) -> Iterator[Picture]:
    baselines = " Lines: mean scores of the baselines." if len(table.baselines) else " No baselines were scored."
    single = single_source_scores(table)
    yield Picture(
        "sources_by_target",
        "Single sources by target",
        "Open circles: runs of SS-R; solid circles: the mean of each source." + baselines
        if len(single)
        else "There are no single-source scores whose source is known.",
        (lambda: sources_by_target(table)) if len(single) else None,
        "sources",
    )
    yield Picture(
        "strategies_by_target",
        "Strategies by target",
        f"Boxes, where there are {FEWEST_FOR_A_BOX} runs or more: quartiles and median, whiskers at 5 and 95 %; "
        "small points: runs; large points: means." + baselines,
        lambda: strategies_by_target(table),
        "strategies",
    )
    known = "n_sources" in table.scores
    yield Picture(
        "scores_by_n_sources",
        "Score by number of sources",
        "Small points: runs; large points: mean of a strategy at a number of sources; lines: linear fits; black "
        "line: mean of SS-R."
        if known
        else "The table does not say how many sources a run had.",
        (lambda: scores_by_n_sources(table)) if known else None,
        "strategies",
    )


def _of_design(table: ResultsTable) -> Iterator[Picture]:
    runs, several = table.runs, multi_source_runs(table.runs)
    if not table.sources:
        yield Picture(
            "aliasing", "Aliasing of the runs", "The table does not say which sources a run had.", None, "runs"
        )
        return
    if len(several) > 1:
        between = correlations(several, table.sources)
        yield Picture(
            "aliasing",
            "Aliasing of the runs",
            f"Correlations between sources and strategies over the {len(several)} multi-source runs with a score; "
            f"the largest between different factors is {aliasing(between, len(table.sources)):.2f}. "
            "A column without variation counts 0.",
            lambda: aliasing_map(between),
            "runs",
        )
    else:
        yield Picture(
            "aliasing", "Aliasing of the runs", f"Only {len(several)} multi-source runs have a score.", None, "runs"
        )
    yield Picture(
        "balance",
        "Balance of the runs",
        f"How often each level occurs among the {len(runs)} runs with a score.",
        lambda: balance_bars(runs, table.sources),
        "runs",
    )


def _of_components(components: Sequence[Components]) -> Picture:
    fitted = [one for one in components if one.fit is not None and one.fit.variance.any()]
    without = "; ".join(
        f"{one.target}: {one.why_not or 'all components are zero'}" for one in components if one not in fitted
    )
    left_out = dict.fromkeys(name for one in fitted for name in one.left_out)
    caption = (
        "Percent of the sum of the sources' variances among the multi-source runs of a target, with 95 % intervals "
        "from generalised pivots. They are of the variance of a population of effects, of which each source shows one "
        "(with it less without it): one degree of freedom each, so that even a source estimated at 0 may account for "
        "most. Lines from 0 to 100 say that the runs exclude nothing. In simulations of the paper's plan they covered "
        "each source's share in 96.7 % of data sets or more."
    )
    return Picture(
        "components",
        "Variance components of the sources",
        (caption if fitted else "Not drawn.")
        + (f" Not estimated: {without}." if without else "")
        + (f" Left out, for they do not vary: {', '.join(left_out)}." if left_out else ""),
        (lambda: component_intervals(fitted)) if fitted else None,
        "sources",
    )


def _of_model(name: str, title: str, model: Model, caption: str, draw: Callable[[], Figure], question: str) -> Picture:
    if model.fit is None:
        return Picture(name, title, f"Not drawn, for the model has no fit: {model.why_not}.", None, question)
    left_out = "; ".join(f"{term} ({why})" for term, why in model.coding.left_out.items())
    if model.refits is not None:
        caption += " Thin lines: percentile intervals of the parametric bootstrap."
    return Picture(name, title, caption + (f" Left out: {left_out}." if left_out else ""), draw, question)
