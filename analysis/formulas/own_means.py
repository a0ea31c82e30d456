"""Marginal means and pairs that are asked of the study's own models, and whether pairs depend on single targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.fitted_model import Model
from analysis.fitting.mixed_model import MixedFit
from analysis.formulas.formula import build, known_columns, model_rows
from analysis.formulas.marginal_means import factors_of, mean_weights, means_table, pairs_table
from analysis.formulas.own_variants import without_targets
from analysis.options import AnalysisOptions
from analysis.results_table import ResultsTable
from analysis.sensitivity import REPORTED, Variant, not_robust
from analysis.verdict_rows import robust
from study.core.errors import Fault, nearest, raise_all
from study.core.factors import Level
from study.core.formula import Formula
from study.core.formula_grammar import parse
from study.core.formula_names import Column


def with_own_means(
    models: Sequence[Model], table: ResultsTable, levels: Mapping[str, Sequence[Level]], options: AnalysisOptions
) -> tuple[Model, ...]:
    """The study's own models with `means` (`treatment, level`), `contrasts` (pairs of levels, judged together) and the
    same as `statements` with `robust`, of those of the factors asked for that they have among their fixed terms.

    Raises `InputFaults` for a factor that none of the models has.
    """
    columns = known_columns(table, levels)
    formulas = {model.name: parse(model.given) for model in models if model.given is not None and model.fit is not None}
    of = {name: factors_of(formula, columns) for name, formula in formulas.items()}
    known = list(dict.fromkeys(name for own in of.values() for name in own))
    raise_all(_faults("--means", options.means, known))
    raise_all(_faults("--pairs", options.pairs, known))
    rows = model_rows(table)
    return tuple(
        _with(model, formulas[model.name], rows, columns, options) if model.name in formulas else model
        for model in models
    )


def _faults(option: str, asked: Sequence[str], known: list[str]) -> Iterator[Fault]:
    named = f"factors among their fixed terms are {', '.join(known)}" if known else "there is none with a factor"
    for name in asked:
        if name not in known:
            yield Fault("", option, name, f"no model of your own has it; {named}", nearest(name, known))


def _with(
    model: Model, formula: Formula, rows: pd.DataFrame, columns: Mapping[str, Column], options: AnalysisOptions
) -> Model:
    own = factors_of(formula, columns)
    fitted = rows[build(formula, rows, columns).used]
    means = [
        means_table(model.fit, mean_weights(formula, fitted, columns, model.fit.fixed_terms, name)).assign(
            treatment=name
        )
        for name in options.means
        if name in own and model.fit is not None
    ]
    asked = [name for name in options.pairs if name in own]
    if means:
        model = replace(model, means=pd.concat(means, ignore_index=True))
    if not asked or model.fit is None:
        return model
    stated = _pairs(model.fit, formula, fitted, columns, asked, options)
    variants = [
        Variant(REPORTED, len(fitted), stated, model.fit),
        *without_targets(formula, rows, columns, lambda fit, some: _pairs(fit, formula, some, columns, asked, options)),
    ]
    fragile = not_robust(variants)
    noted = [robust(effect, fragile) for effect in stated["effect"]] if len(variants) > 1 else ""
    pairs = stated.drop(columns="family").rename(columns={"effect": "contrast"})
    return replace(model, contrasts=pairs, statements=stated.assign(robust=noted))


def _pairs(
    fit: MixedFit,
    formula: Formula,
    rows: pd.DataFrame,
    columns: Mapping[str, Column],
    asked: Sequence[str],
    options: AnalysisOptions,
) -> pd.DataFrame:
    """The pairs of each factor as a family."""
    found = []
    for name in asked:
        pairs = pairs_table(fit, mean_weights(formula, rows, columns, fit.fixed_terms, name), options.seed)
        effects = pairs["pair"] if len(asked) == 1 else f"{name}: " + pairs["pair"]
        found.append(pairs.drop(columns="pair").assign(effect=effects, family=name))
    return pd.concat(found, ignore_index=True)
