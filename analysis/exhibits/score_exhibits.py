"""What the scores themselves show beside the models' estimates: pictures, tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.components import Components
from analysis.exhibits import (
    best_source,
    compactness,
    component_match,
    reliability,
    representation_map,
    residual_spread,
    source_effects,
    within_source,
)
from analysis.exhibits.exhibit import Picture, Table
from analysis.exhibits.representation_map import Kept
from analysis.fitting.conditional import residuals
from analysis.models import Model
from analysis.results_table import ResultsTable


def beside_models(
    table: ResultsTable,
    strategy: Model,
    components: Sequence[Components],
    kept: Kept | None,
    topics: pd.DataFrame | None,
    seed: int,
) -> tuple[list[Picture | Table], list[str]]:
    """Pictures, tables and sentences; what the rows do not give is said.

    `kept` gives kept representations and `topics` what their topics are, where a study's store is at hand.
    """
    frozen = table.frozen  # one score a run x target
    repeats, parts = within_source.within_source_spread(frozen), reliability.score_parts(frozen)
    rest = residuals(strategy.fit) if strategy.fit is not None else None
    spread, tests = residual_spread.residual_spread(table, rest), residual_spread.spread_tests(table, rest)
    effects = source_effects.source_effects(frozen)
    exhibits = [
        *source_effects.exhibits(effects),
        *best_source.exhibits(frozen),
        *component_match.exhibits(frozen, components),
        *compactness.exhibits(frozen),
        *residual_spread.exhibits(spread, tests),
        *within_source.exhibits(repeats),
        *reliability.exhibits(parts),
        *representation_map.exhibits(frozen, kept, topics, seed),
    ]
    sentences = [
        *source_effects.sentences(effects),
        *best_source.sentences(frozen),
        *component_match.sentences(frozen, components),
        *residual_spread.sentences(spread, tests),
        *within_source.sentences(repeats),
        *reliability.sentences(parts),
    ]
    return exhibits, sentences
