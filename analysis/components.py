"""How much of the multi-source scores each source accounts for, within each target (paper, Table 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.fitting.bootstrap import percentile_interval, refit
from analysis.fitting.mixed_model import MixedFit, NotCertified, fit_mixed
from analysis.fitting.random_terms import intercepts_by
from analysis.results_table import ResultsTable
from study.coding import SINGLE, strategy_columns
from study.errors import InputFaults

FORMULA = "z ~ 0 + strategy + (1 | <first source>) + (1 | <second source>) + ..., each target by itself, without SS-R"


@dataclass(frozen=True)
class Components:
    """A target's variance components: `percent` has `source, variance, percent, low, high`, a row for each source.

    Percent of the sum of the sources' variances, the residual apart; all null where that sum is zero. Intervals are the
    percentiles of a parametric bootstrap: a component has about one degree of freedom, and they are wide. Sources that
    every run has, or none, are `left_out`; without a `fit`, `why_not` says why.
    """

    target: str
    n_rows: int
    left_out: Mapping[str, str] = field(default_factory=dict)
    why_not: str | None = None
    fit: MixedFit | None = None
    percent: pd.DataFrame | None = None


def source_components(table: ResultsTable, n_replicates: int, rng: np.random.Generator) -> Iterator[Components]:
    """The components of each target, of frozen representations, with intervals from `n_replicates` refits."""
    scores = table.frozen.scores
    several = scores[scores["strategy"] != SINGLE]
    for target in table.targets:
        yield _components(target, several[several["target"] == target], table.sources, n_replicates, rng)


def _components(
    target: str, rows: pd.DataFrame, sources: tuple[str, ...], n_replicates: int, rng: np.random.Generator
) -> Components:
    varying = [name for name in sources if rows[f"source.{name}"].nunique() > 1]
    left_out = {name: "all runs have it, or none" for name in sources if name not in varying}
    if not varying:
        return Components(target, len(rows), left_out, "no source varies among its multi-source runs")
    random = [intercepts_by(f"source.{name}", rows[f"source.{name}"].to_numpy()) for name in varying]
    try:
        fit = fit_mixed(rows["z"].to_numpy(), strategy_columns(rows), random)
    except (NotCertified, InputFaults) as reason:
        return Components(target, len(rows), left_out, str(reason))
    draws = _percent(refit(fit, n_replicates, rng).variance)
    low, high = percentile_interval(draws[~np.isnan(draws).any(axis=1)]) if fit.variance.any() else [np.nan, np.nan]
    percent = pd.DataFrame(
        {
            "source": varying,
            "variance": fit.variance,
            "percent": _percent(fit.variance[None])[0],
            "low": low,
            "high": high,
        }
    )
    return Components(target, len(rows), left_out, None, fit, percent)


def _percent(variance: np.ndarray) -> np.ndarray:
    """Percent of each row's sum (R, K); NaN where the sum is zero."""
    total = variance.sum(axis=1, keepdims=True)
    return 100.0 * np.divide(variance, total, out=np.full_like(variance, np.nan), where=total > 0.0)
