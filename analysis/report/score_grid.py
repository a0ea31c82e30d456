"""Runs x targets as a coloured table: every score, and how it compares with the others on its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.result_checks import factor_columns
from analysis.results_table import ResultsTable
from study.core.columns import FACTOR, source_column

EDGES = (-1.5, -0.9, -0.3, 0.3, 0.9, 1.5)
"""Of the standardised scores, between the classes of a colour each."""


@dataclass(frozen=True)
class ScoreGrid:
    """`rows`: of each run its id, what it was, and the `(class, score)` of each target, None where there is none."""

    about: tuple[str, ...]
    targets: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...], float, tuple[tuple[str, str] | None, ...]], ...]


def score_grid(table: ResultsTable) -> ScoreGrid:
    """The grid, the highest mean z first; scores at several evaluation levels are averaged. A unit that was scored
    under several treatments has a row for each."""
    key = table.scores["run_id"]
    for column in factor_columns(table.scores):
        key = key.str.cat(table.scores[column].astype(str), sep="\0")
    rows = table.scores.assign(key=key)
    runs = rows.drop_duplicates("key").set_index("key")
    named = _about(runs, table.sources)
    z, scores = (
        rows.pivot_table(index="key", columns="target", values=name)[list(table.targets)] for name in ("z", "score")
    )
    mean = z.mean(axis=1).sort_values(ascending=False, kind="stable")
    classes = pd.DataFrame(np.digitize(z.to_numpy(), EDGES), z.index)
    found = []
    for one in mean.index:
        cells = tuple(
            None if np.isnan(score) else (f"c{kind}", _shown(score))
            for score, kind in zip(scores.loc[one], classes.loc[one], strict=True)
        )
        about = tuple(str(values[one]) for values in named.values())
        found.append((str(runs.at[one, "run_id"]), about, float(mean[one]), cells))
    return ScoreGrid(tuple(named), table.targets, tuple(found))


def _shown(score: float) -> str:
    text = f"{score:.3f}" if abs(score) < 100.0 else f"{score:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _about(runs: pd.DataFrame, sources: tuple[str, ...]) -> Mapping[str, pd.Series]:
    """What a run was, by the name of its column: levels that differ between the runs."""
    found = {"strategy": runs["strategy"]} if "strategy" in runs else {}
    if sources:
        present = runs[[source_column(name) for name in sources]].to_numpy(dtype=float) > 0
        learned = [", ".join(np.array(sources, dtype=object)[row]) for row in present]
        found["sources"] = pd.Series(learned, runs.index)
    elif "n_sources" in runs:
        found["n"] = runs["n_sources"].map("{:g}".format)
    found |= {name.removeprefix(FACTOR): runs[name] for name in factor_columns(runs)}
    return {name: values for name, values in found.items() if values.nunique() > 1}
