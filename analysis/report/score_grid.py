"""Runs x targets as a coloured table: every score, and how it compares with the others on its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.results_table import ResultsTable

EDGES = (-1.5, -0.9, -0.3, 0.3, 0.9, 1.5)
"""Of the standardised scores, between the classes of a colour each."""


@dataclass(frozen=True)
class ScoreGrid:
    """`rows`: of each run its id, what it was, and the `(class, score)` of each target, None where there is none."""

    about: tuple[str, ...]
    targets: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...], float, tuple[tuple[str, str] | None, ...]], ...]


def score_grid(table: ResultsTable) -> ScoreGrid:
    """The grid, the highest mean z first; scores at several evaluation levels are averaged."""
    runs = table.runs.set_index("run_id")
    named = _about(runs, table.sources)
    z = table.scores.pivot_table(index="run_id", columns="target", values="z")[list(table.targets)]
    scores = table.scores.pivot_table(index="run_id", columns="target", values="score")[list(table.targets)]
    mean = z.mean(axis=1).sort_values(ascending=False, kind="stable")
    classes = np.digitize(z.to_numpy(), EDGES)
    rows = []
    for run, own_mean in mean.items():
        at = z.index.get_loc(run)
        cells = tuple(
            None if np.isnan(score) else (f"c{kind}", f"{score:.3f}".replace("-", "\N{MINUS SIGN}"))
            for score, kind in zip(scores.loc[run], classes[at], strict=True)
        )
        about = tuple(str(values[run]) for values in named.values())
        rows.append((str(run), about, float(own_mean), cells))
    return ScoreGrid(tuple(named), table.targets, tuple(rows))


def _about(runs: pd.DataFrame, sources: tuple[str, ...]) -> Mapping[str, pd.Series]:
    """What a run was, by the name of its column: levels that differ between the runs."""
    found = {"strategy": runs["strategy"]} if "strategy" in runs else {}
    if sources:
        present = runs[[f"source.{name}" for name in sources]].to_numpy(dtype=float) > 0
        learned = [", ".join(np.array(sources, dtype=object)[row]) for row in present]
        found["sources"] = pd.Series(learned, runs.index)
    elif "n_sources" in runs:
        found["n"] = runs["n_sources"].map("{:g}".format)
    found |= {name.removeprefix("factor."): runs[name] for name in map(str, runs) if name.startswith("factor.")}
    return {name: values for name, values in found.items() if values.nunique() > 1}
