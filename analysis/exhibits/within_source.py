"""How far the repeats of a single-source run are apart (paper 5.1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.exhibits.score_figures import single_source_scores
from analysis.fitting.inference import LEVEL
from analysis.repeats import repeated
from analysis.results_table import ResultsTable

ALL = "all sources"


def exhibit(evidence: Evidence) -> Exhibit:
    """Spread among the repeats of a single source."""
    spread = within_source_spread(evidence.table.frozen)
    return Exhibit("within_source", "spread", tuple(shown(spread)), tuple(sentences(spread)))


def shown(spread: pd.DataFrame) -> Iterator[Table]:
    """The table of `within_source_spread`."""
    if len(spread):
        yield Table(
            "within_source",
            "Spread among the replicates of a single source",
            "Standard deviation of runs that differ only in their seed, in the metric of the target, and its ratio "
            "to the standard deviation of all scores on the target. Chi-squared 95 % intervals.",
            spread,
        )


def sentences(spread: pd.DataFrame) -> Iterator[str]:
    """The paper's two numbers, and each target's pooled ratio."""
    cases = spread.loc[spread["source"] != ALL, "ratio"]
    if cases.empty:
        yield "The spread among replicates of a single source is not estimable: no source was trained twice."
        return
    half, most = cases.quantile([0.5, 0.9])
    pooled = spread[spread["source"] == ALL].sort_values("ratio")
    ends = [f"{row.ratio:.0%} (95 % CI {row.low:.0%} to {row.high:.0%}) on {row.target}" for row in pooled.itertuples()]
    yield (
        f"Replicates of a single source have a standard deviation of at most {half:.0%} of that of all scores on the "
        f"target in half of the {len(cases)} pairs of source and target, and of at most {most:.0%} in nine of ten. "
        f"Pooled over sources, it is {' to '.join(dict.fromkeys((ends[0], ends[-1])))}."
    )


def within_source_spread(table: ResultsTable) -> pd.DataFrame:
    """Spread among the repeats of a single source over the spread of all scores on the target.

    A row a target x source, and one a target over `all sources` with pooled degrees of freedom: `target, source,
    n_runs, sd` (own metric), `ratio, low, high`, `sd` over the target's own. Repeats are those of `repeated`. Intervals
    are by chi-squared, the repeats taken as normal and the target's deviation as known. Empty
    where no source was repeated.
    """
    single = single_source_scores(table)
    single = single.assign(repeated=repeated(table, single))
    cells = single.groupby(["target", "source", "repeated"], sort=False)["score"].agg(["size", "var"]).reset_index()
    cells = cells[cells["size"] > 1]
    rows = []
    for target in table.targets:
        here = cells[cells["target"] == target]
        by_source = [(name, here[here["source"] == name]) for name in table.sources]
        for name, some in [*by_source, (ALL, here)]:
            if len(some):
                rows.append((target, name, some["size"].sum(), *_pooled(some, table.moments.loc[target, "sd"])))
    return pd.DataFrame(rows, columns=["target", "source", "n_runs", "sd", "ratio", "low", "high"])


def _pooled(cells: pd.DataFrame, target_sd: float) -> tuple[float, float, float, float]:
    df = (cells["size"] - 1).sum()
    sd = np.sqrt(((cells["size"] - 1) * cells["var"]).sum() / df)
    low, high = np.sqrt(df / stats.chi2.ppf([0.5 + LEVEL / 2.0, 0.5 - LEVEL / 2.0], df))
    return sd, sd / target_sd, low * sd / target_sd, high * sd / target_sd
