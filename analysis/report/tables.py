"""The report's tables, as they stand in tables/*.csv and, the shorter ones, on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.baselines import by_kind_and_level
from analysis.components import Components
from analysis.exhibits.exhibit import Table
from analysis.exhibits.score_figures import single_source_scores
from analysis.models import Model
from analysis.results_table import ResultsTable
from study.core.factors import BASELINES


def tables(table: ResultsTable, strategy: Model, size: Model, components: Sequence[Components]) -> Iterator[Table]:
    """Models first, then means of scores, then every score."""
    yield from _of_model(strategy, "First model")
    yield from _of_model(size, "Second model")
    yield from _of_comparisons(strategy)
    yield from _of_components(components)
    yield from _of_means(table)
    yield Table(
        "targets",
        "Targets",
        "Mean and sample deviation by which scores are standardised.",
        table.moments.reset_index(names="target"),
        question="runs",
    )
    if len(table.missing):
        yield Table(
            "missing",
            "Runs without a score on a target",
            "No row with outcome ok.",
            table.missing[["run_id", "strategy", "target", "outcome"]],
            question="runs",
        )
    yield Table(
        "scores", "Scores", "One row a run and target; z is the standardised score.", table.scores, on_page=False
    )
    yield Table("baselines", "Baselines", "One row a baseline run and target.", table.baselines, on_page=False)


def _of_model(model: Model, title: str) -> Iterator[Table]:
    if model.fit is None:
        return
    yield Table(
        f"{model.name}_fixed",
        f"{title}: fixed effects",
        "Intervals and degrees of freedom: Satterthwaite.",
        fixed(model),
        question="strategies",
    )
    yield Table(
        f"{model.name}_random",
        f"{title}: variances by target",
        "A variance on the boundary is exactly zero, certified by its gradient.",
        variances(model),
    )


def _of_comparisons(strategy: Model) -> Iterator[Table]:
    if strategy.fit is None:
        return
    yield Table(
        "strategy_contrasts",
        "Differences between strategies at n* = 0",
        _on_adjustment(strategy.contrasts),
        strategy.contrasts,
        question="strategies",
    )
    if strategy.contrasts_of_means is not None:
        yield Table(
            "strategy_contrasts_of_means",
            f"Differences between strategies at n* = {strategy.mean_n_star:.2f}",
            f"SS-R at its n* = 0. {_on_adjustment(strategy.contrasts_of_means)}",
            strategy.contrasts_of_means,
            question="strategies",
        )
    yield Table(
        "strategy_means",
        f"Estimated marginal means at n* = {strategy.mean_n_star:.2f}",
        "SS-R at its n* = 0. Satterthwaite intervals.",
        strategy.means,
        question="strategies",
    )


def _on_adjustment(pairs: pd.DataFrame) -> str:
    means = {name for pair in pairs["contrast"] for name in pair.split(" - ")}
    return (
        f"p_adjusted: Holm's over all {len(pairs)} pairs; p_tukey: Tukey's, {len(means)} means. Intervals are of each "
        "difference by itself. A strategy of which nothing tells a mean at this n* is not among them."
    )


def _of_components(components: Sequence[Components]) -> Iterator[Table]:
    fitted = [one.percent.assign(target=one.target) for one in components if one.percent is not None]
    if fitted:
        percent = pd.concat(fitted, ignore_index=True)[["target", "source", "percent", "low", "high", "variance"]]
        yield Table(
            "components",
            "Variance components of the sources, within each target",
            "Percent of the sum of the sources' variances, without SS-R; 95 % intervals from generalised pivots, wide, "
            "since one degree of freedom stands behind each variance.",
            percent,
            question="sources",
        )


def _of_means(table: ResultsTable) -> Iterator[Table]:
    yield Table(
        "scores_by_strategy",
        "Mean score by strategy and target",
        "In the target's own metric; baselines below.",
        _by_target(pd.concat([table.frozen.scores, *_named_baselines(table.frozen)]), "strategy", table),
        question="strategies",
    )
    if table.shares_runs:
        both = pd.concat([table.scores, table.baselines])
        for name in table.evaluation_levels:
            yield Table(
                f"scores_by_{name}",
                f"Mean score by {name} and target",
                "In the target's own metric: runs of the design, then baselines, those that have several levels.",
                _by_level(both, f"factor.{name}", table),
                question="strategies",
            )
    single = single_source_scores(table.frozen)
    if len(single):
        yield Table(
            "scores_by_source",
            "Mean single-source score by source and target",
            "SS-R only, in the target's own metric.",
            _by_target(single, "source", table),
            question="sources",
        )


def shown(value: object) -> str:
    """A cell as it is read: four significant digits, small p values as such, an en dash for what is not there."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if pd.isna(value):
            return "–"
        return f"{value:.4g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.1e}"
    return str(value)


def fixed(model: Model) -> pd.DataFrame:
    """The fixed effects; the bootstrap's intervals where there was one."""
    return model.fixed if model.refits else model.fixed.drop(columns=["bootstrap_low", "bootstrap_high"])


def variances(model: Model) -> pd.DataFrame:
    """`group, term, variance, sd, boundary` of each random coefficient and, of no group, the residual; with a
    bootstrap, the share of refits that have it on the boundary."""
    residual = model.fit.residual_variance
    last = pd.DataFrame(
        {"group": "", "term": "residual", "variance": residual, "sd": np.sqrt(residual), "boundary": False}, index=[0]
    )
    frame = pd.concat([model.fit.random_table(), last], ignore_index=True)
    if model.refits is None:
        return frame
    return frame.assign(share_of_refits_with_zero=np.append(model.refits.zero_share(), np.nan))


def _named_baselines(table: ResultsTable) -> Iterator[pd.DataFrame]:
    """The baselines, called by their levels where they have any."""
    for _, name, rows in by_kind_and_level(table.baselines):
        yield rows.assign(strategy=name)


def _by_level(scores: pd.DataFrame, column: str, table: ResultsTable) -> pd.DataFrame:
    """Means with a row for each level of a factor, of learned runs and of each baseline, and a column a target."""
    known = scores.assign(runs=scores["strategy"].where(scores["strategy"].isin(BASELINES), "learned"))
    several = known.groupby("runs")[column].transform("nunique") > 1
    means = known[several].pivot_table(index=["runs", column], columns="target", values="score", sort=False)
    return means.reindex(columns=list(table.targets)).rename_axis(columns=None).reset_index()


def _by_target(scores: pd.DataFrame, row: str, table: ResultsTable) -> pd.DataFrame:
    """Means with a row for each level in order of appearance and a column for each target."""
    order = [name for name in (*table.strategies, *table.sources) if (scores[row] == name).any()]
    order += [name for name in scores[row].unique() if name not in order]
    means = scores.pivot_table(index=row, columns="target", values="score", aggfunc="mean")
    return means.reindex(index=order, columns=list(table.targets)).rename_axis(columns=None).reset_index()
