"""How much of the multi-source scores each source accounts for, within each target (paper, Table 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.component_intervals import share_intervals
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from analysis.fitting.random_terms import intercepts_by
from analysis.results_table import ResultsTable
from study.core.coding import factor_columns, is_single, source_columns, strategy_columns
from study.core.columns import factor_column, source_column
from study.core.errors import InputFaults
from study.core.factors import Level
from study.core.model_matrix import independent
from study.core.strategies import BUILT_IN, Strategies

FORMULA = (
    "z ~ 0 + strategy + <further factors> + (1 | <first source>) + (1 | <second source>) + ..., each target by itself, "
    "without single-source runs"
)


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


def source_components(
    table: ResultsTable, rng: np.random.Generator, factors: Mapping[str, Sequence[Level]] | None = None
) -> Iterator[Components]:
    """The components of each target, of frozen representations, adjusted for further factors; `rng` draws what the
    intervals need."""
    scores = table.frozen.scores
    several = scores[~is_single(scores, table.known)]
    for target in table.targets:
        yield components_within(target, several[several["target"] == target], table.sources, rng, factors, table.known)


def components_within(
    target: str,
    rows: pd.DataFrame,
    sources: tuple[str, ...],
    rng: np.random.Generator,
    factors: Mapping[str, Sequence[Level]] | None = None,
    strategies: Strategies = BUILT_IN,
) -> Components:
    """The components of a target from its multi-source `rows`: `strategy`, `z`, `source.<name>`, `factor.<name>`."""
    varying = [name for name in sources if rows[source_column(name)].nunique() > 1]
    left_out = {name: "all runs have it, or none" for name in sources if name not in varying}
    if not varying:
        return Components(target, len(rows), left_out, "no source varies among its multi-source runs")
    random = [intercepts_by(source_column(name), rows[source_column(name)].to_numpy()) for name in varying]
    y, fixed = rows["z"].to_numpy(), _fixed(rows, factors or {}, strategies)
    try:
        fit = fit_mixed(y, fixed, random)
    except (NotCertified, InputFaults) as reason:
        return Components(target, len(rows), left_out, str(reason))
    low, high = 100.0 * share_intervals(y, fixed.to_numpy(), source_columns(rows, varying).to_numpy(), rng)
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


def _fixed(rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]], strategies: Strategies) -> pd.DataFrame:
    """The strategies, and further factors less their means as far as these rows tell them from the strategies."""
    present = {name: levels for name, levels in factors.items() if factor_column(name) in rows}
    further = factor_columns(rows, present).columns
    return independent(pd.concat([strategy_columns(rows, strategies), further - further.mean()], axis=1))[0]
