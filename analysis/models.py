"""The two models of the paper over a results table, each fitted or with the reason why it could not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.bootstrap import Refits, percentile_interval, refit
from analysis.contrasts import marginal_means, pairwise_strategies, strategies_of, with_tukey
from analysis.mixed_model import MixedFit, NotCertified, fit_by_group, fixed_effects
from analysis.results_table import ResultsTable
from study.coding import SINGLE, Coding, first_model, n_star, second_model
from study.errors import InputFaults
from study.factors import Level


@dataclass(frozen=True)
class Model:
    """A model and what came of it: `fit` is None where there is none to report, and `why_not` says why.

    `fixed` is `fixed_effects` of the fit, with `bootstrap_low` and `bootstrap_high` from `refits` (NaN where there are
    none); `contrasts` at n* = 0, `means` and `contrasts_of_means` at n* = `mean_n_star` are the first model's.
    """

    name: str
    coding: Coding
    formula: str
    n_rows: int
    n_targets: int
    why_not: str | None = None
    fit: MixedFit | None = None
    fixed: pd.DataFrame | None = None
    refits: Refits | None = None
    contrasts: pd.DataFrame | None = None
    contrasts_of_means: pd.DataFrame | None = None
    means: pd.DataFrame | None = None
    mean_n_star: float = 0.0


def strategy_model(
    table: ResultsTable, factors: Mapping[str, Sequence[Level]], n_bootstrap: int, rng: np.random.Generator
) -> Model:
    """The first model (Eq. 10-12), with comparisons of strategies and their marginal means."""
    scores = table.scores
    model = _fitted("strategy", table, first_model(scores, factors), n_bootstrap, rng)
    if model.fit is None:
        return model
    multiple = scores[scores["strategy"] != SINGLE]
    steps = n_star(multiple["strategy"], multiple["n_sources"]) if "n_sources" in scores else np.empty(0)
    mean_n_star = float(steps.mean()) if len(steps) else 0.0
    n_strategies = len(strategies_of(model.fit))
    return replace(
        model,
        contrasts=with_tukey(pairwise_strategies(model.fit), n_strategies),
        contrasts_of_means=(
            with_tukey(pairwise_strategies(model.fit, mean_n_star), n_strategies) if mean_n_star else None
        ),
        mean_n_star=mean_n_star,
        means=marginal_means(model.fit, mean_n_star),
    )


def size_model(table: ResultsTable, n_bootstrap: int, rng: np.random.Generator) -> Model:
    """The second model (Eq. 13-16): the size of the network and the number of sources as numbers."""
    return _fitted("size", table, second_model(table.scores), n_bootstrap, rng)


def _fitted(name: str, table: ResultsTable, coding: Coding, n_bootstrap: int, rng: np.random.Generator) -> Model:
    scores = table.scores
    model = Model(name, coding, _formula(coding), len(scores), len(table.targets))
    if not coding.random:
        return replace(model, why_not="no term of the model varies in these rows")
    try:
        fit = fit_by_group(scores["z"].to_numpy(), coding.columns, coding.random, scores["target"])
    except (NotCertified, InputFaults) as reason:
        return replace(model, why_not=str(reason))
    refits = refit(fit, n_bootstrap, rng) if n_bootstrap else None
    low, high = percentile_interval(refits.estimate) if refits else (np.nan, np.nan)
    return replace(
        model, fit=fit, refits=refits, fixed=fixed_effects(fit).assign(bootstrap_low=low, bootstrap_high=high)
    )


def _formula(coding: Coding) -> str:
    """The model as lme4 takes it, on the coded columns: `||` would leave a factor's levels correlated."""
    fixed = [f"`{term}`" for term in coding.columns]
    return " + ".join(["z ~ 0", *fixed, *(f"(0 + `{term}` | target)" for term in coding.random)])
