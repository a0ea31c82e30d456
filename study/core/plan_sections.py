"""The sections of a study file on its plan and its models: `[design]` and `[analysis]`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from study.core.field_types import (
    Counts,
    DesignModel,
    Margin,
    Name,
    Number,
    Repeats,
    Scalar,
    Section,
    Text,
    distinct,
)
from study.core.sections import BALANCED
from study.core.strategies import BUILT_IN


class Phase(Section):
    """Runs of the design: every allowed combination x repeats or, with a `criterion`, a sequence chosen run by run."""

    name: Name
    strategy: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(distinct)] = tuple(BUILT_IN)
    n_sources: Counts = ()
    repeats: Repeats = 1
    criterion: Literal["anytime", "balance-alias", "D", "A", "I"] | None = None
    balance: Annotated[tuple[Name, ...], AfterValidator(distinct)] = BALANCED
    share: Annotated[Number, Field(gt=0)] = 1.0
    repeat_share: Annotated[Number, Field(ge=0, le=0.9)] = 0.0
    model: DesignModel | None = None
    want_if_possible: Annotated[tuple[Text, ...], AfterValidator(distinct)] = ()
    nuisance: Annotated[tuple[Name, ...], AfterValidator(distinct)] = ()


Combination = Annotated[dict[Name, Scalar | Annotated[tuple[Scalar, ...], Field(min_length=1)]], Field(min_length=1)]
"""Matches runs with all the named `sources` and, for every other factor, one of the named levels."""


class Constraint(Section):
    """A combination that no run may have, or that every run must have; with `when`, every run that matches `when`."""

    forbid: Combination | None = None
    require: Combination | None = None
    when: Combination | None = None


class Design(Section):
    phase: tuple[Phase, ...] = ()
    constraint: tuple[Constraint, ...] = ()


class Model(Section):
    """An additional model of the analysis, as a formula (`study.core.formula_grammar`)."""

    name: Name
    formula: Text


class Contrast(Section):
    """A contrast of a model: the sum of `weights` times the estimates of the fixed terms that they name."""

    model: Name
    name: Text
    weights: Annotated[dict[Text, Number], Field(min_length=1)]


class AnalysisSection(Section):
    model: tuple[Model, ...] = ()
    contrast: tuple[Contrast, ...] = ()
    equivalence: Margin | None = None
