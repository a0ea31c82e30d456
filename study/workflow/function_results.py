"""The results of a study whose runs are a function, as the analysis takes them: a table of treatments.

Its factors and sources are the treatments, its runs the units. Larger is better: scores of a metric that ends in "-"
change their sign.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from study.core.columns import factor_column, source_column
from study.core.scales import Levels, are_numbers
from study.core.study_file import Study

if TYPE_CHECKING:
    from analysis.results_table import ResultsTable


def function_table(study: Study, rows: pd.DataFrame) -> ResultsTable:
    """The table that the model of treatments is fitted to. Raises `InputFaults` if it cannot be fitted."""
    from analysis.any_table import any_table
    from analysis.roles import Asked

    rows = rows[rows["metric"] == rows["target"].map(study.primary_metrics)]
    score = rows["score"].where(~rows["metric"].str.endswith("-"), -rows["score"])
    frame = rows[["run_id", "target", "repeat", "fold", "outcome"]].assign(score=score)
    treatments: dict[str, str] = {}
    first: list[str] = []
    for name, levels in study.further_factors.items():
        if rows[factor_column(name)].nunique() > 1:
            frame[name], first = rows[factor_column(name)], [*first, str(levels[0])]
            treatments[name] = {"log": f"log({name})", "levels": f"factor({name})"}.get(levels.scale, name)
    for name in study.sources:
        if rows[source_column(name)].nunique() > 1:
            frame[name] = rows[source_column(name)].map({True: "present", False: "absent"})
            treatments[name], first = name, [*first, "absent"]
    asked = Asked("score", "target", ("run_id",), tuple(treatments.values()), tuple(dict.fromkeys(first)))
    table = any_table(frame, replace(asked, reference=_occurring(frame, treatments, asked.reference)))
    return replace(table, levels={**(table.levels or {}), **_numbers(study, frame)})


def _occurring(frame: pd.DataFrame, treatments: dict[str, str], levels: tuple[str, ...]) -> tuple[str, ...]:
    """The levels that some treatment has, as text; numbers have no level that others are compared with."""
    named = [frame[name] for name in treatments if is_bool_dtype(frame[name]) or not is_numeric_dtype(frame[name])]
    known = {str(value) for column in named for value in column.unique()}
    return tuple(level for level in levels if level in known)


def _numbers(study: Study, frame: pd.DataFrame) -> dict[str, Levels]:
    """The numeric factors on the scale that the study file states."""
    return {
        name: Levels(sorted(level for level in levels if (frame[name] == level).any()), levels.scale)
        for name, levels in study.further_factors.items()
        if name in frame and are_numbers(levels)
    }
