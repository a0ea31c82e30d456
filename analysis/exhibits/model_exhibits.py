"""What stands behind the models' estimates: whether they hold, what they hang on, and what they predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.exhibits import (
    caterpillar,
    diagnostics,
    explained_variance,
    predictions_report,
    sensitivity_report,
)
from analysis.exhibits.exhibit import Picture, Table
from analysis.exhibits.predictions import predictions
from analysis.exhibits.sensitivity import sensitivity
from analysis.models import Model
from analysis.results_table import ResultsTable
from study.core.factors import Level


def behind_models(
    table: ResultsTable,
    models: Sequence[Model],
    factors: Mapping[str, Sequence[Level]],
    rng: np.random.Generator,
) -> tuple[list[Picture | Table], list[str]]:
    """Pictures, tables and sentences. The first two of `models` are those of the paper."""
    of_paper = models[:2]
    variants = sensitivity(table, models[0], factors)
    diagnosed = [diagnostics.diagnose(model.name, model.fit, rng) for model in of_paper if model.fit is not None]
    predicted = predictions(table, factors)
    exhibits = [
        *predictions_report.exhibits(table, predicted),
        *explained_variance.exhibits(models),
        *diagnostics.exhibits(table.scores, of_paper, diagnosed),
        *caterpillar.exhibits(of_paper),
        *sensitivity_report.exhibits(variants),
    ]
    sentences = [
        *predictions_report.sentences(predicted),
        *sensitivity_report.sentences(variants),
        *diagnostics.sentences(diagnosed),
    ]
    return exhibits, sentences
