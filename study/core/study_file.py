"""The frozen `Study`: what a study is. `study.core.reading` reads it from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from study.core.evaluation_factors import of_evaluation
from study.core.factors import TRAINING_FACTORS, Level
from study.core.field_types import (
    Factors,
    Name,
    Section,
    StrategyName,
)
from study.core.overrides import Override
from study.core.own_strategies import Sharing, known_strategies
from study.core.plan_sections import AnalysisSection, Design, Phase
from study.core.scales import Levels, Scale
from study.core.sections import (
    BALANCED,
    Baselines,
    Cluster,
    Compute,
    Corpus,
    FineTuning,
    Header,
    LearnerSection,
    Mel,
    RunSection,
    Source,
    Target,
    Training,
)
from study.core.strategies import ALONE, BUILT_IN, OF_FUNCTIONS, Strategies


class Study(Section):
    """A study, complete and frozen; every path in it is absolute."""

    schema_version: Literal[1] = Field(alias="schema")
    header: Header = Field(alias="study")
    run: RunSection | None = None
    corpus: Corpus = Field(default=None)  # type: ignore[assignment]  # only the runs of a function have none
    mel: Mel = Mel()
    sources: Annotated[dict[Name, Source], Field(min_length=1)] = Field(default={})
    own_strategies: dict[StrategyName, Sharing] = Field(default={}, alias="strategies")
    factors: Factors = Field(default={})
    scale: dict[Name, Scale] = Field(default={})
    training: Training = Training()
    learners: dict[Name, LearnerSection] = Field(default={})
    targets: Annotated[dict[Name, Target], Field(min_length=1)]
    fine_tuning: FineTuning = FineTuning()
    baselines: Baselines = Baselines()
    cluster: Cluster = Cluster()
    compute: Compute = Compute()
    design: Design = Design()
    analysis: AnalysisSection = AnalysisSection()
    _tables: Mapping[str, Any] = PrivateAttr(default={})
    _overrides: tuple[Override, ...] = PrivateAttr(default=())

    @property
    def tables(self) -> Mapping[str, Any]:
        """The tables of the file with overrides applied; paths stay relative."""
        return self._tables

    @property
    def overrides(self) -> tuple[Override, ...]:
        """What `--set` gave."""
        return self._overrides

    @property
    def name(self) -> str:
        return self.header.name

    @property
    def seed(self) -> int:
        return self.header.seed

    @property
    def store(self) -> Path:
        return self.header.store

    @property
    def strategies(self) -> tuple[str, ...]:
        if self.run is not None:
            return (ALONE,)
        return self.factors.get("strategy", tuple(self.known_strategies))  # type: ignore[return-value]

    @property
    def known_strategies(self) -> Strategies:
        """The six and the study's own, from the smallest network to the largest; of a function a single one."""
        if self.run is not None:
            return OF_FUNCTIONS
        if not self.own_strategies:
            return BUILT_IN
        crop = self.corpus.channels, self.crop_frames, self.mel.n_mels
        return known_strategies(self.own_strategies, tuple(map(str, self.backbones)), crop)

    @property
    def backbones(self) -> tuple[Level, ...]:
        """The backbones of the study's networks."""
        return self.factors.get("backbone", (self.training.backbone,))

    @property
    def further_factors(self) -> dict[str, Levels]:
        """The factors of the design beside strategy and sources, in the order of the file, with their scales."""
        ranges = [name for name, written in self._tables.get("factors", {}).items() if isinstance(written, Mapping)]
        return {
            name: Levels(levels, self.scale.get(name, "linear"), name in ranges)
            for name, levels in self.factors.items()
            if name != "strategy" and name not in self.evaluation_factors and name not in self.nuisance_factors
        }

    @property
    def nuisance_factors(self) -> dict[str, tuple[Level, ...]]:
        """Factors of no interest that phases spread over their runs (study.core.nuisance); no part of a run."""
        named = {name for phase in self.design.phase for name in phase.nuisance}
        return {name: levels for name, levels in self.factors.items() if name in named}

    @property
    def evaluation_factors(self) -> dict[str, tuple[str, ...]]:
        """The levels of the factors of the evaluation, the reference first. A function's runs have none."""
        if self.run is not None:
            return {}
        return of_evaluation(self.factors)

    @property
    def score_factors(self) -> dict[str, tuple[Level, ...]]:
        """What scores differ by beside strategy and sources: further factors, then those of the evaluation."""
        return {**self.further_factors, **self.evaluation_factors}

    @property
    def primary_metrics(self) -> dict[str, str]:
        """The primary metric of each target."""
        return {name: target.primary_metric for name, target in self.targets.items()}

    @property
    def crop_frames(self) -> int:
        return self.mel.crop_frames(self.corpus.sample_rate_hz)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of the file, or the default ones; where they do not say, with the study's strategies, and
        `anytime` with the balance of every factor."""
        named = self.design.phase or default_phases(self.strategies, len(self.sources), self.known_strategies)
        return tuple(self._completed(phase) for phase in named)

    def _completed(self, phase: Phase) -> Phase:
        found: dict[str, Any] = {}
        if "strategy" not in phase.model_fields_set:
            found["strategy"] = self.strategies
        if "n_sources" not in phase.model_fields_set:
            found["n_sources"] = tuple(range(len(self.sources) + 1))
        if phase.criterion == "anytime" and "balance" not in phase.model_fields_set:
            always = BALANCED if self.run is None else ("sources",)
            further = [name for name, levels in self.further_factors.items() if not levels.is_range]
            found["balance"] = (*always, *further)
        return phase.model_copy(update=found) if found else phase

    def learner_function(self, levels: Mapping[str, Level]) -> str:
        """The name of the function that a run learns by."""
        name = self.training_of(levels).learner
        return self.learners.get(name, LearnerSection()).learner or name

    def learner_settings(self, levels: Mapping[str, Level]) -> dict[str, Level]:
        """What a run's learner is called with: the settings of its section, overridden by factors of their names."""
        section = self.learners.get(self.training_of(levels).learner, LearnerSection())
        return {name: levels.get(name, value) for name, value in section.settings.items()}

    @property
    def learner_factors(self) -> tuple[str, ...]:
        """The names of settings of learners, which factors may vary."""
        return tuple(dict.fromkeys(name for section in self.learners.values() for name in section.settings))

    def training_of(self, levels: Mapping[str, Level]) -> Training:
        """The training settings of a run: `[training]`, overridden by factors with the names of its keys."""
        return self.training.model_copy(update={k: v for k, v in levels.items() if k in TRAINING_FACTORS})


def default_phases(strategies: tuple[str, ...], n_sources: int, known: Strategies = BUILT_IN) -> tuple[Phase, ...]:
    """The paper's three phases (4.3), each combination once: the default for a study file without phases."""
    if strategies == (ALONE,):
        return (Phase(name="runs", criterion="anytime"),)
    single = tuple(s for s in strategies if known[s].is_single)
    several = tuple(s for s in strategies if not known[s].is_single)
    phases = []
    if single:
        phases.append(Phase(name="single", strategy=single, n_sources=(1,)))
    if several and n_sources >= 2:
        phases.append(Phase(name="all", strategy=several, n_sources=(n_sources,)))
    if several and n_sources >= 3:
        between = tuple(range(2, n_sources))
        phases.append(Phase(name="sequential", strategy=several, n_sources=between, criterion="anytime"))
    return tuple(phases)
