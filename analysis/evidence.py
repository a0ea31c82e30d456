"""What every exhibit is made from: the table, the models over it, the components, and what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.components import Components
from analysis.fitting.mixed_model import MixedFit
from analysis.models import Model
from analysis.options import AnalysisOptions
from analysis.results_table import ResultsTable
from study.core.factors import Level


@dataclass(frozen=True)
class Evidence:
    """`models` by name: `strategy`, `size`, then the study's own. `components` by target. `levels` are those of all
    factors, in their order; `diagnostics_seed` draws what the diagnostics simulate."""

    table: ResultsTable
    models: Mapping[str, Model]
    components: Mapping[str, Components] = field(default_factory=dict)
    levels: Mapping[str, Sequence[Level]] = field(default_factory=dict)
    options: AnalysisOptions = field(default_factory=AnalysisOptions)
    diagnostics_seed: np.random.SeedSequence = field(default_factory=lambda: np.random.SeedSequence(0))

    @property
    def strategy(self) -> Model:
        """The first model of the paper."""
        return self.models["strategy"]

    @property
    def size(self) -> Model:
        """The second model of the paper."""
        return self.models["size"]

    @property
    def named(self) -> tuple[Model, ...]:
        """The models that every study has."""
        return tuple(model for model in self.models.values() if model.given is None)

    @property
    def own(self) -> tuple[Model, ...]:
        """The study's own models."""
        return tuple(model for model in self.models.values() if model.given is not None)

    @property
    def fits(self) -> Mapping[str, MixedFit]:
        """The fits of the models that every study has, by name; models without one are not among them."""
        return {model.name: model.fit for model in self.named if model.fit is not None}
