"""The second model: the size of the network and the number of sources as numbers (paper 5.4, Fig. 12)."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.evidence import Evidence
from analysis.exhibits.effect_figures import size_effects
from analysis.exhibits.exhibit import Exhibit, Picture, Table, picture_of_model
from analysis.exhibits.strategies import BY_SATTERTHWAITE
from analysis.fitted_model import Model
from analysis.report.findings import on_size, size_effect
from analysis.sensitivity import not_robust


def exhibit(evidence: Evidence) -> Exhibit:
    """Effects of the second model."""
    model, fragile = evidence.size, not_robust(evidence.variants["size"])
    said = tuple(on_size(model, fragile, evidence.table.strategies))
    parts = tuple(shown(model, evidence.beside.get("size")))
    return Exhibit("size", "strategies", parts, headline=said, verdicts=size_effect(model, fragile))


def shown(model: Model, beside: Model | None = None) -> Iterator[Picture | Table]:
    """The picture of its effects, and their table."""
    yield picture_of_model(
        "effects_size",
        "Effects of the network's size",
        model,
        "Estimates of the second model with 95 % Satterthwaite intervals; r* goes from 0 (a single source) to 1 (a "
        "network per source).",
        lambda: size_effects(model, beside),
        beside,
    )
    if model.fit is not None:
        yield Table("size_fixed", "Second model: fixed effects", BY_SATTERTHWAITE, model.fixed)
