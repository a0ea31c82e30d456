"""The study's own models: each formula fitted as the named models are, beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.fitted_model import Fitting, Model, fitted
from analysis.fitting.engines import NATIVE
from analysis.formulas.formula import build, known_columns, model_rows
from analysis.results_table import ResultsTable
from study.core import plan_sections
from study.core.coding import Coding
from study.core.errors import InputFaults, raise_all
from study.core.factors import Level
from study.core.formula_grammar import parse
from study.core.formula_names import faults_of_formula


def own_models(
    models: Sequence[plan_sections.Model],
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    n_bootstrap: int,
    rngs: Sequence[np.random.Generator],
    engine: str = NATIVE,
) -> tuple[Model, ...]:
    """Fit each formula; `factors` are the levels of further factors, in their order, and `rngs` one a model.

    Raises `InputFaults` for formulas over columns that this table does not have.
    """
    rows, columns = model_rows(table), known_columns(table, factors)
    raise_all(
        fault for model in models for fault in faults_of_formula(model.formula, columns, "", f"model {model.name}")
    )
    found = []
    for given, rng in zip(models, rngs, strict=True):
        try:
            built = build(parse(given.formula), rows, columns)
        except InputFaults as reason:
            nothing = Coding(rows[[]], ())
            found.append(Model(given.name, nothing, (), engine, given.formula, why_not=str(reason)))
            continue
        model = Model(given.name, Coding(built.fixed, (), built.left_out), built.random, engine, given.formula)
        found.append(fitted(model, built.y, Fitting(n_bootstrap, rng, engine)))
    return tuple(found)
