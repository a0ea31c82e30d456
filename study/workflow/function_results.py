"""The results of a study whose runs are a function, as the analysis takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from study.core.factors import STRATEGIES, Level
from study.core.study_file import Study


def of_function(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with every source as a factor of two levels. Scores of metrics that end in "-" change their sign."""
    less = rows["metric"].str.endswith("-")
    score = rows["score"].where(~less, -rows["score"])
    renamed = rows.rename(columns={f"source.{name}": f"factor.{name}" for name in study.sources})
    return renamed.assign(score=score, strategy=STRATEGIES[0], n_sources=1)


def function_levels(study: Study) -> Mapping[str, Sequence[Level]]:
    """The levels of its factors, sources among them."""
    return {**study.score_factors, **dict.fromkeys(study.sources, (False, True))}
