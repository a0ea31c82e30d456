"""The variances of the models that every study has."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.fitted_model import Model
from analysis.report.table_findings import on_few_targets

TITLES = {
    "treatments": "Variances",
    "strategy": "First model: variances",
    "size": "Second model: variances",
    "paper_strategy": "The paper's first model: variances",
    "paper_size": "The paper's second model: variances",
}


def exhibit(evidence: Evidence) -> Exhibit:
    """A table of variances for each model; whether there are enough targets to estimate them from."""
    said = tuple(on_few_targets(evidence.table, evidence.main[0]))
    return Exhibit("variances", "models", tuple(shown(evidence.main)), headline=said)


def shown(models: tuple[Model, ...]) -> Iterator[Table]:
    """The variances of each model that has a fit."""
    note = "A variance on the boundary is exactly zero, certified by its gradient."
    for model in models:
        if model.fit is not None:
            yield Table(f"{model.name}_random", TITLES[model.name], note, model.random)
