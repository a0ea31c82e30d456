"""How far scores spread: among the repeats of a source, and around the first model (paper 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts import holm
from analysis.mixed_model import LEVEL
from analysis.results_table import ResultsTable
from analysis.score_figures import single_source_scores

TAIL = (1.0 - LEVEL) / 2.0
FEWEST = 5
"""Scores that a deviation and its interval are taken of, at least."""


def within_source_spread(table: ResultsTable) -> pd.DataFrame:
    """Spread among the repeats of a single source over the spread of all scores on the target (paper 5.1).

    A row a target x source, and one a target over `all sources` with pooled degrees of freedom: `target, source,
    n_runs, sd` (own metric), `ratio, low, high`, `sd` over the target's own. Repeats are runs that differ in nothing
    but their seed. Intervals are by chi-squared, the repeats taken as normal and the target's deviation as known. Empty
    where no source was repeated.
    """
    single = single_source_scores(table)
    same = ["target", "source", *(name for name in single if name.startswith("factor."))]
    cells = single.groupby(same, sort=False, dropna=False)["score"].agg(["size", "var"]).reset_index()
    cells = cells[cells["size"] > 1]
    rows = []
    for target in table.targets:
        here = cells[cells["target"] == target]
        by_source = [(name, here[here["source"] == name]) for name in table.sources]
        for name, some in [*by_source, ("all sources", here)]:
            if len(some):
                rows.append((target, name, some["size"].sum(), *_pooled(some, table.moments.loc[target, "sd"])))
    return pd.DataFrame(rows, columns=["target", "source", "n_runs", "sd", "ratio", "low", "high"])


def residual_spread(table: ResultsTable, residual: np.ndarray) -> pd.DataFrame:
    """Deviation of the first model's residuals (n_rows,) on each target, by number of sources and by strategy.

    `target, by, level, n_scores, sd, low, high`: `by` is n_sources or strategy; intervals are Bonett's (2006), which
    hold without normality; levels of fewer than `FEWEST` scores are left out.
    """
    rows = [
        (target, by, level, len(values), values.std(ddof=1), *deviation_interval(values))
        for target, by, groups in _groups(table, residual) for level, values in groups.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["target", "by", "level", "n_scores", "sd", "low", "high"])


def spread_tests(table: ResultsTable, residual: np.ndarray) -> pd.DataFrame:
    """Whether that deviation is the same at every level: Brown and Forsythe's test (1974) on each target.

    `target, by, statistic, df1, df2, p, p_adjusted` (Holm over all rows). It is Levene's test around medians, which
    keeps its level for long-tailed scores.
    """
    rows = []
    for target, by, groups in _groups(table, residual):
        if len(groups) > 1:
            found = stats.levene(*groups.values(), center="median")
            n = sum(map(len, groups.values()))
            rows.append((target, by, found.statistic, len(groups) - 1, n - len(groups), found.pvalue))
    tests = pd.DataFrame(rows, columns=["target", "by", "statistic", "df1", "df2", "p"])
    return tests.assign(p_adjusted=holm(tests["p"].to_numpy(dtype=float)))


def deviation_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the standard deviation of values (n,), n of 5 or more, by Bonett (2006), Eq. 1 and 2.

    Computational Statistics & Data Analysis 50, 775-782: exact or near it for normal values, and close to its level
    for skewed and long-tailed ones.
    """
    if np.ptp(values) == 0.0:
        return np.nan, np.nan
    n, z = len(values), stats.norm.ppf(1.0 - TAIL)
    middle = stats.trim_mean(values, 1.0 / (2.0 * np.sqrt(n - 4.0)))
    kurtosis = n * ((values - middle) ** 4).sum() / ((values - values.mean()) ** 2).sum() ** 2
    scale = n / (n - z)
    error = scale * np.sqrt(max(kurtosis - (n - 3.0) / n, 0.0) / (n - 1.0))
    variance = scale * values.var(ddof=1)
    return float(np.sqrt(variance * np.exp(-z * error))), float(np.sqrt(variance * np.exp(z * error)))


def _pooled(cells: pd.DataFrame, target_sd: float) -> tuple[float, float, float, float]:
    df = (cells["size"] - 1).sum()
    sd = np.sqrt(((cells["size"] - 1) * cells["var"]).sum() / df)
    low, high = np.sqrt(df / stats.chi2.ppf([1.0 - TAIL, TAIL], df))
    return sd, sd / target_sd, low * sd / target_sd, high * sd / target_sd


def _groups(table: ResultsTable, residual: np.ndarray) -> Iterator[tuple[str, str, dict[object, np.ndarray]]]:
    """Residuals by level, for each target and each of n_sources and strategy."""
    scores = table.scores.assign(residual=residual)
    for target in table.targets:
        here = scores[scores["target"] == target]
        for by in (name for name in ("n_sources", "strategy") if name in here):
            levels = sorted(here[by].unique()) if by == "n_sources" else table.strategies
            groups = {level: here.loc[here[by] == level, "residual"].to_numpy() for level in levels}
            yield target, by, {level: values for level, values in groups.items() if len(values) >= FEWEST}
