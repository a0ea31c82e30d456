"""Whether scores spread alike around the first model at every number of sources and strategy (paper 5.2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from analysis.contrasts import ALPHA, holm
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels
from analysis.fitting.conditional import residuals
from analysis.fitting.inference import LEVEL
from analysis.results_table import ResultsTable
from analysis.wording import listed, p_shown, p_value

TAIL = (1.0 - LEVEL) / 2.0
FEWEST = 5
"""Scores that a deviation and its interval are taken of, at least."""


def exhibit(evidence: Evidence) -> Exhibit:
    """Spread of the first model's residuals, and tests of it."""
    table, fit = evidence.table, evidence.strategy.fit
    rest = None if fit is None else residuals(fit)
    spread, tests = residual_spread(table, rest), spread_tests(table, rest)
    return Exhibit("residual_spread", "spread", tuple(shown(spread, tests)), tuple(sentences(spread, tests)))


def shown(spread: pd.DataFrame, tests: pd.DataFrame) -> Iterator[Picture | Table]:
    """Residual spread by number of sources as a picture, all of it as a table, and the tests."""
    by_number = spread[spread["by"] == "n_sources"]
    yield Picture(
        "residual_spread",
        "Does the spread change with the number of sources?",
        "Standard deviation of the first model's conditional residuals, with 95 % intervals (Bonett "
        "2006); above each panel, the adjusted p of the Brown-Forsythe test. The model has the number of sources but "
        "not which they are, so differences between sources are part of this spread."
        if len(by_number)
        else "Not drawn: this needs a fit of the first model and the numbers of sources.",
        (lambda: spread_by_n_sources(by_number, tests)) if len(by_number) else None,
    )
    if len(tests):
        yield Table(
            "spread_tests",
            "Is the residual spread constant?",
            "Brown-Forsythe test (1974; Levene's test around medians) of the first model's residuals on each target, "
            "by number of sources and by strategy; p_adjusted: Holm's method over all rows. One source is "
            "the single-source strategy in both.",
            tests,
        )
        yield Table(
            "residual_spread",
            "Residual spread by number of sources and by strategy",
            f"Standard deviations with 95 % intervals (Bonett 2006), of {FEWEST} scores or more.",
            spread,
        )


def sentences(spread: pd.DataFrame, tests: pd.DataFrame) -> Iterator[str]:
    """On how many targets the spread differs, and how far the extremes are apart."""
    for by, called in (("n_sources", "number of sources"), ("strategy", "strategy")):
        here = tests[tests["by"] == by]
        if here.empty:
            continue
        found = here[here["p_adjusted"] < ALPHA]
        where = f" ({listed(list(found['target']))})" if 0 < len(found) < len(here) else ""
        yield (
            f"Residual spread depends significantly on the {called} on {len(found)} of {len(here)} targets{where} "
            f"(Brown-Forsythe, Holm-adjusted p from {p_value(here['p_adjusted'].min())} to "
            f"{p_value(here['p_adjusted'].max())}){_extremes(spread) if by == 'n_sources' else ''}."
        )


def _extremes(spread: pd.DataFrame) -> str:
    """The spread at the largest number of sources as a share of that at the smallest, over the targets."""
    by_number = spread[spread["by"] == "n_sources"]
    table = by_number.pivot_table(index="target", columns="level", values="sd").dropna(axis=1)
    if table.shape[1] < 2:
        return ""
    first, last = table.columns[0], table.columns[-1]
    ratio = table[last] / table[first]
    sources = "source" if first == 1 else "sources"
    return (
        f". The standard deviation with {last:g} sources is {ratio.min():.0%} to {ratio.max():.0%} of that with "
        f"{first:g} {sources}, depending on the target"
    )


def spread_by_n_sources(by_number: pd.DataFrame, tests: pd.DataFrame) -> Figure:
    """Deviations with their intervals, a panel a target."""
    targets = list(dict.fromkeys(by_number["target"]))
    figure, axes = panels(len(targets), height=2.2, share_y=True)
    p = tests[tests["by"] == "n_sources"].set_index("target")["p_adjusted"]
    for one, target in zip(axes, targets, strict=True):
        here = by_number[by_number["target"] == target]
        one.vlines(here["level"].astype(float), here["low"], here["high"], color="#0072B2", linewidth=1.4)
        one.plot(here["level"].astype(float), here["sd"], "o", color="#0072B2", markersize=4.5)
        shown = f" ({p_shown(p[target])})" if target in p else ""
        one.set(title=f"{target}{shown}", xlabel="number of sources")
        one.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylim(0.0, 1.05 * by_number["high"].fillna(by_number["sd"]).max())
    axes[0].set_ylabel("residual deviation")
    return figure


def residual_spread(table: ResultsTable, residual: np.ndarray | None) -> pd.DataFrame:
    """Deviation of the first model's residuals (n_rows,; None without a fit) by number of sources and by strategy.

    `target, by, level, n_scores, sd, low, high`: `by` is n_sources or strategy; intervals are Bonett's (2006), which
    hold without normality; levels of fewer than `FEWEST` scores are left out.
    """
    rows = [
        (target, by, level, len(values), values.std(ddof=1), *deviation_interval(values))
        for target, by, groups in _groups(table, residual)
        for level, values in groups.items()
    ]
    return pd.DataFrame(rows, columns=["target", "by", "level", "n_scores", "sd", "low", "high"])


def spread_tests(table: ResultsTable, residual: np.ndarray | None) -> pd.DataFrame:
    """Whether that deviation is the same at every level of a target: Brown and Forsythe's test (1974).

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

    Computational Statistics & Data Analysis 50, 775-782: near its level for normal values, and a few percent below it
    for long-tailed ones, where the chi-squared interval is far off.
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


def _groups(table: ResultsTable, residual: np.ndarray | None) -> Iterator[tuple[str, str, dict[object, np.ndarray]]]:
    """Residuals by level, for each target and each of n_sources and strategy; none where there are no residuals."""
    if residual is None:
        return
    scores = table.scores.assign(residual=residual)
    for target in table.targets:
        here = scores[scores["target"] == target]
        for by in (name for name in ("n_sources", "strategy") if name in here):
            levels = sorted(here[by].unique()) if by == "n_sources" else table.strategies
            groups = {level: here.loc[here[by] == level, "residual"].to_numpy() for level in levels}
            yield target, by, {level: values for level, values in groups.items() if len(values) >= FEWEST}
