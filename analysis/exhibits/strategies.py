"""The first model: strategies, the number of sources, further factors (paper 5.2, Fig. 11)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.evidence import Evidence
from analysis.exhibits.effect_figures import strategy_effects
from analysis.exhibits.exhibit import Exhibit, Picture, Table, picture_of_model
from analysis.fitted_model import Model
from analysis.report.factor_findings import on_factors, on_transfer
from analysis.report.findings import on_number_of_sources, on_strategies, strategy_verdicts
from analysis.sensitivity import not_robust
from study.core.coding import is_intercept, strategy_of
from study.core.strategies import single_of

BY_SATTERTHWAITE = "Intervals and degrees of freedom are Satterthwaite's."


def exhibit(evidence: Evidence) -> Exhibit:
    """Effects, comparisons and means of the first model."""
    model, table = evidence.strategy, evidence.table
    fragile = not_robust(evidence.variants["strategy"])
    said = (
        *on_strategies(model, fragile),
        *on_number_of_sources(model, fragile),
        *on_factors(table, model, fragile),
        *on_transfer(table, model, fragile),
    )
    parts = tuple(shown(model, evidence.beside.get("strategy")))
    found = strategy_verdicts(table, model, fragile)
    return Exhibit("strategies", "strategies", parts, headline=said, verdicts=found)


def shown(model: Model, beside: Model | None = None) -> Iterator[Picture | Table]:
    """The picture of its effects, and the tables of these, of the comparisons and of the means."""
    single = single_of(model.coding.strategies, map(strategy_of, filter(is_intercept, model.coding.columns)))
    yield picture_of_model(
        "effects",
        "Effects of the strategy and of each further source",
        model,
        "Estimates of the first model with 95 % Satterthwaite intervals. Left: the mean of each strategy with one "
        f"source ({single}) or two (the others; a strategy without a slope, at the number of sources that its runs "
        "have). Right: the change with each further source. Further factors, if any: levels against the first, "
        "numbers per unit.",
        lambda: strategy_effects(model, beside),
        beside,
    )
    if model.fit is None:
        return
    yield Table("strategy_fixed", "First model: fixed effects", BY_SATTERTHWAITE, model.fixed)
    yield Table(
        "strategy_contrasts",
        "Differences between strategies at n* = 0",
        _on_adjustment(model.contrasts),
        model.contrasts,
    )
    if len(model.contrasts_of_means):
        yield Table(
            "strategy_contrasts_of_means",
            f"Differences between strategies at n* = {model.mean_n_star:.2f}",
            f"{single} at n* = 0. {_on_adjustment(model.contrasts_of_means)}",
            model.contrasts_of_means,
        )
    yield Table(
        "strategy_means",
        f"Estimated marginal means at n* = {model.mean_n_star:.2f}",
        f"{single} at n* = 0. Satterthwaite intervals.",
        model.means,
    )


def _on_adjustment(pairs: pd.DataFrame) -> str:
    over = str(pairs["adjustment"].iloc[0]).removeprefix("max-t, ") if len(pairs) else "0 comparisons"
    return (
        f"Intervals and p_adjusted are simultaneous (max-t) over {over}, those at n* = 0 and at the mean n* together; "
        "p_holm: Holm's method over the same. Strategies whose mean at this n* is not estimable are left out."
    )
