"""How much of the multi-source scores each source accounts for, within each target (paper, Table 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.component_intervals import share_intervals
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from analysis.fitting.random_terms import intercepts_by
from analysis.results_table import ResultsTable
from study.core.coding import SINGLE, source_columns, strategy_columns
from study.core.errors import InputFaults

FORMULA = "z ~ 0 + strategy + (1 | <first source>) + (1 | <second source>) + ..., each target by itself, without SS-R"


@dataclass(frozen=True)
class Components:
    """A target's variance components: `percent` has `source, variance, percent, low, high`, a row for each source.

    Percent of the sum of the sources' variances, the residual apart; all null where that sum is zero. Estimates are
    REML's, 95 % intervals those of `share_intervals`, stretched to the estimate where they lack it. They are of the
    variances of populations of which each source shows one difference (with it, without it), and so are wide. Sources
    that every run has, or none, are `left_out`; without a `fit`, `why_not` says why.
    """

    target: str
    n_rows: int
    left_out: Mapping[str, str] = field(default_factory=dict)
    why_not: str | None = None
    fit: MixedFit | None = None
    percent: pd.DataFrame | None = None


def source_components(table: ResultsTable, rng: np.random.Generator) -> Iterator[Components]:
    """The components of each target, of frozen representations; `rng` draws what the intervals need."""
    scores = table.frozen.scores
    several = scores[scores["strategy"] != SINGLE]
    for target in table.targets:
        yield components_within(target, several[several["target"] == target], table.sources, rng)


def components_within(
    target: str, rows: pd.DataFrame, sources: tuple[str, ...], rng: np.random.Generator
) -> Components:
    """The components of a target from its multi-source `rows`: `strategy`, `z` and `source.<name>`."""
    varying = [name for name in sources if rows[f"source.{name}"].nunique() > 1]
    left_out = {name: "all runs have it, or none" for name in sources if name not in varying}
    if not varying:
        return Components(target, len(rows), left_out, "no source varies among its multi-source runs")
    random = [intercepts_by(f"source.{name}", rows[f"source.{name}"].to_numpy()) for name in varying]
    y, strategies = rows["z"].to_numpy(), strategy_columns(rows)
    try:
        fit = fit_mixed(y, strategies, random)
    except (NotCertified, InputFaults) as reason:
        return Components(target, len(rows), left_out, str(reason))
    low, high = 100.0 * share_intervals(y, strategies.to_numpy(), source_columns(rows, varying).to_numpy(), rng)
    total = fit.variance.sum()
    estimate = 100.0 * fit.variance / total if total > 0.0 else np.full(len(varying), np.nan)
    percent = pd.DataFrame(
        {
            "source": varying,
            "variance": fit.variance,
            "percent": estimate,
            "low": np.minimum(low, estimate),  # NaN where nothing is estimated
            "high": np.maximum(high, estimate),
        }
    )
    return Components(target, len(rows), left_out, None, fit, percent)
