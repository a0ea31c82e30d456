"""What every exhibit is made from: the table, the models over it, the components, and what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd

from analysis.components import Components
from analysis.fitted_model import Model
from analysis.fitting.mixed_model import MixedFit
from analysis.model_checks import ModelChecks, model_checks
from analysis.models import TREATMENTS
from analysis.options import AnalysisOptions
from analysis.results_table import ResultsTable
from analysis.sensitivity import Variant, sensitivity
from analysis.statements import families_of, statements_of
from analysis.treatment_statements import treatment_families, treatment_statements
from analysis.treatments import occurring, treatment_coding
from study.core.coding import Coding, first_model, second_model
from study.core.factors import Level

PAPER = "paper_"
CHECKS = 11
"""What sets the draws of the checks apart from others of the same seed."""


@dataclass(frozen=True)
class Evidence:
    """`models` by name: `strategy`, `size` and the same of the paper, or `treatments` of a table of another field; then
    the study's own. `components` by target. `levels` are those of all factors, in their order; `diagnostics_seed` draws
    what the diagnostics simulate."""

    table: ResultsTable
    models: Mapping[str, Model]
    components: Mapping[str, Components] = field(default_factory=dict)
    levels: Mapping[str, Sequence[Level]] = field(default_factory=dict)
    options: AnalysisOptions = field(default_factory=AnalysisOptions)
    diagnostics_seed: np.random.SeedSequence = field(default_factory=lambda: np.random.SeedSequence(0))

    @cached_property
    def variants(self) -> Mapping[str, tuple[Variant, ...]]:
        """The models that the report goes by under other treatments of the same scores (`analysis.sensitivity`)."""
        if self.table.roles:
            (model,) = self.main
            return {model.name: sensitivity(self.table, model, self._treatments, self.levels, stated=self._stated)}
        is_paper = bool(self._prefix)
        codings = {
            "strategy": lambda rows: first_model(rows, self.levels, self.table.known),
            "size": lambda rows: second_model(
                rows, self.table.evaluation_levels if is_paper else self.levels, self.table.known
            ),
        }
        return {
            name: sensitivity(
                self.table,
                model,
                codings[name],
                self.levels,
                self.beside.get(name),
                self.options,
                partial(statements_of, judging=self.options.judging, strategies=self.table.known),
            )
            for name, model in (("strategy", self.strategy), ("size", self.size))
        }

    @cached_property
    def checks(self) -> ModelChecks:
        """Checks of the model that the report goes by first, and all models beside it (`analysis.model_checks`)."""
        first, rng = self.main[0], np.random.default_rng([self.options.seed, CHECKS])
        others = [model for model in self.models.values() if model is not first]
        return model_checks(self.table, first, others, dict(self._effects(first)), rng)

    def _effects(self, model: Model) -> Iterator[tuple[str, np.ndarray]]:
        """What a model states, as contrasts of its fixed terms (p,), by name."""
        if model.fit is None:
            return
        families = families_of(model.fit, self.table.scores, self.table.known)
        if self.table.roles:
            of = occurring(self.levels, self.table.scores)
            families = treatment_families(model.fit, of, self.options.asked.reference)
        for _, members in families:
            yield from members.items()

    def _treatments(self, rows: pd.DataFrame) -> Coding:
        return treatment_coding(rows, occurring(self.levels, rows))

    def _stated(self, fit: MixedFit, rows: pd.DataFrame) -> pd.DataFrame:
        of = occurring(self.levels, rows)
        return treatment_statements(fit, of, self.options.judging, self.options.asked.reference)

    @property
    def strategy(self) -> Model:
        """The first model that the report goes by: the headline's, or the paper's where that was asked for."""
        return self.models[self._prefix + "strategy"]

    @property
    def size(self) -> Model:
        """The second model that the report goes by."""
        return self.models[self._prefix + "size"]

    @property
    def beside(self) -> Mapping[str, Model]:
        """The first and the second model that the report does not go by."""
        other = "" if self._prefix else PAPER
        return {name: self.models[other + name] for name in ("strategy", "size") if other + name in self.models}

    @property
    def _prefix(self) -> str:
        return PAPER if self.options.model == "paper" else ""

    @property
    def named(self) -> tuple[Model, ...]:
        """The models that every study has."""
        return tuple(model for model in self.models.values() if model.given is None)

    @property
    def own(self) -> tuple[Model, ...]:
        """The study's own models."""
        return tuple(model for model in self.models.values() if model.given is not None)

    @property
    def main(self) -> tuple[Model, ...]:
        """The models that the report goes by: the first and the second, or that of treatments."""
        return (self.models[TREATMENTS],) if self.table.roles else (self.strategy, self.size)

    @property
    def question(self) -> str:
        """What the report asks first, of `analysis.exhibits.exhibit.QUESTIONS`."""
        return "treatments" if self.table.roles else "strategies"

    @property
    def fits(self) -> Mapping[str, MixedFit]:
        """The fits of the models that the report goes by, by name; models without one are not among them."""
        return {model.name: model.fit for model in self.main if model.fit is not None}
