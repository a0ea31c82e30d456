"""What the scores themselves show beside the models' estimates: pictures, tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from analysis import best_source, compactness, component_match, reliability, residual_spread, within_source
from analysis.components import Components
from analysis.exhibits import Picture, Table
from analysis.models import Model
from analysis.results_table import ResultsTable


def beside_models(
    table: ResultsTable, strategy: Model, components: Sequence[Components]
) -> tuple[list[Picture], list[Table], list[str]]:
    """Pictures, tables and sentences; what the rows do not give is said."""
    repeats, parts = within_source.within_source_spread(table), reliability.score_parts(table)
    rest = residual_spread.residuals(table, strategy) if strategy.fit is not None else None
    spread, tests = residual_spread.residual_spread(table, rest), residual_spread.spread_tests(table, rest)
    exhibits = [
        *best_source.exhibits(table),
        *component_match.exhibits(table, components),
        *compactness.exhibits(table),
        *residual_spread.exhibits(spread, tests),
        *within_source.exhibits(repeats),
        *reliability.exhibits(parts),
    ]
    sentences = [
        *residual_spread.sentences(spread, tests),
        *within_source.sentences(repeats),
        *reliability.sentences(parts),
    ]
    return (
        [one for one in exhibits if isinstance(one, Picture)],
        [one for one in exhibits if isinstance(one, Table)],
        sentences,
    )
