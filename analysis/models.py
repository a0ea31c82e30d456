"""The headline models and the paper's over a results table, each fitted or with the reason why it could not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.centring import centred
from analysis.contrasts import marginal_means, strategies_at
from analysis.fitted_model import Fitting, Model, fitted, with_fit
from analysis.fitting.engines import NATIVE, fit_by
from analysis.fitting.mixed_model import MixedFit
from analysis.fitting.mixed_problem import NotCertified, NotDetermined
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.headline_terms import RandomPart, headline_terms
from analysis.results_table import ResultsTable
from analysis.simultaneous import Judging
from analysis.statements import AT_MEAN, PAIRS, mean_n_star, statements_of
from analysis.treatment_statements import level_means, treatment_statements
from analysis.treatments import INTERCEPT, treatment_coding
from analysis.wording import listed
from study.core.coding import Coding, first_model, second_model
from study.core.columns import factor_column
from study.core.errors import InputFaults
from study.core.factors import Level
from study.core.scales import are_numbers

TREATMENTS = "treatments"
"""The model of a table of another field."""
NOTHING_VARIES = "no term of the model varies in these rows"


def strategy_model(
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    fitting: Fitting = Fitting(),  # noqa: B008
) -> Model:
    """The headline's first model: strategies, their slopes on n* and further factors, with what scores share."""
    coding = centred(first_model(table.scores, factors, table.known), table.scores["target"])
    return _with_means(_headline("strategy", table, coding, factors, fitting), table, fitting.judging)


def size_model(
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    fitting: Fitting = Fitting(),  # noqa: B008
) -> Model:
    """The headline's second model: the size of the network and the number of sources as numbers, further factors, with
    what scores share."""
    coding = centred(second_model(table.scores, factors, table.known), table.scores["target"])
    return _stating(_headline("size", table, coding, factors, fitting), table, fitting.judging)


def paper_strategy_model(
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    fitting: Fitting = Fitting(),  # noqa: B008
) -> Model:
    """The paper's first model to the letter (Eq. 10-12)."""
    coding = first_model(table.scores, factors, table.known)
    model = Model("paper_strategy", coding, random_terms(table.scores, coding), fitting.engine)
    return _with_means(_fitted(model, table, fitting), table, fitting.judging)


def paper_size_model(
    table: ResultsTable,
    fitting: Fitting = Fitting(),  # noqa: B008
) -> Model:
    """The paper's second model to the letter (Eq. 13-16)."""
    coding = second_model(table.scores, table.evaluation_levels, table.known)
    model = Model("paper_size", coding, random_terms(table.scores, coding), fitting.engine)
    return _stating(_fitted(model, table, fitting), table, fitting.judging)


def treatment_model(
    table: ResultsTable,
    fitting: Fitting = Fitting(),  # noqa: B008
    reference: Sequence[str] = (),
) -> Model:
    """The model of a table of any field: what its treatments do, with what scores share.

    `contrasts` compare the levels of treatments, all pairs or each with a `reference`; `means` are the levels' own.
    """
    factors = table.factor_levels
    coding = treatment_coding(table.scores, factors)
    model = _headline(TREATMENTS, table, coding, factors, fitting)
    return _with_levels(model, table, fitting.judging, reference)


def judged_again(model: Model, table: ResultsTable, judging: Judging, reference: Sequence[str] = ()) -> Model:
    """A named model with what it states judged in another way; the study's own stay as they are."""
    if model.fit is None or model.given is not None:
        return model
    if model.name == TREATMENTS:
        return _with_levels(model, table, judging, reference)
    return (_with_means if model.name.endswith("strategy") else _stating)(model, table, judging)


def headline_fit(
    scores: pd.DataFrame,
    coding: Coding,
    factors: Mapping[str, Sequence[Level]],
    sources_known: bool,
    engine: str = NATIVE,
    fixed: pd.DataFrame | None = None,
    part: RandomPart | None = None,
) -> tuple[MixedFit, RandomPart]:
    """A headline model's fit with `fixed` columns beside the coding's, and its random part, `part` where it is known.

    Where no scores of these rows could determine its variances, the part is `reduced` until they do; what was left out
    is among `omitted`. Raises as `fit_mixed`.
    """
    part = part or headline_terms(scores, coding, factors, sources_known)
    columns = coding.columns if fixed is None else pd.concat([coding.columns, fixed], axis=1)
    while True:
        try:
            return fit_by(engine, scores["z"].to_numpy(), columns, part.terms), part
        except NotDetermined as reason:
            smaller = part.reduced(str(reason))
            if smaller is None:
                raise
            part = smaller


def _headline(
    name: str,
    table: ResultsTable,
    coding: Coding,
    factors: Mapping[str, Sequence[Level]],
    fitting: Fitting,
) -> Model:
    known = bool(table.sources or table.roles)
    part = headline_terms(table.scores, coding, factors, known)
    model = Model(name, coding, part.terms, fitting.engine, omitted=part.omitted, no_verdicts=part.no_verdicts)
    if not coding.random or list(coding.columns) == [INTERCEPT]:
        return replace(model, why_not=NOTHING_VARIES)
    try:
        fit, part = headline_fit(table.scores, coding, factors, known, fitting.engine, part=part)
    except (NotCertified, InputFaults) as reason:
        return replace(model, why_not=str(reason))
    model = replace(model, random_part=part.terms, omitted=part.omitted, no_verdicts=part.no_verdicts)
    return with_fit(model, fit, fitting)


def _fitted(model: Model, table: ResultsTable, fitting: Fitting) -> Model:
    if not model.coding.random:
        return replace(model, why_not=NOTHING_VARIES)
    return fitted(model, table.scores["z"].to_numpy(), fitting)


def _stating(model: Model, table: ResultsTable, judging: Judging) -> Model:
    if model.fit is None:
        return model
    return replace(model, statements=statements_of(model.fit, table.scores, judging, table.known))


def _with_levels(model: Model, table: ResultsTable, judging: Judging, reference: Sequence[str]) -> Model:
    """With statements, comparisons of the treatments' levels and their means."""
    if model.fit is None:
        return model
    factors = table.factor_levels
    stated = treatment_statements(model.fit, factors, judging, reference)
    compared = [factor_column(name) for name, levels in factors.items() if not are_numbers(levels)]
    pairs = stated[stated["family"].isin(compared)].rename(columns={"effect": "contrast"}).drop(columns="family")
    means = level_means(model.fit, factors)
    return replace(model, statements=stated, contrasts=pairs.reset_index(drop=True), means=means)


def _with_means(model: Model, table: ResultsTable, judging: Judging) -> Model:
    """With statements, comparisons of strategies and their marginal means."""
    scores, fit = table.scores, model.fit
    if fit is None:
        single = [name for name in table.strategies if (scores["strategy"] == name).sum() == 1]
        alone = f"; {listed(single)} with one score: without it the others could be compared" if single else ""
        return replace(model, why_not=f"{model.why_not}{alone}")
    at = mean_n_star(scores, table.known)
    model = replace(_stating(model, table, judging), mean_n_star=at)
    pairs = model.statements[model.statements["family"] == PAIRS].rename(columns={"effect": "contrast"})
    pairs = pairs.drop(columns="family").reset_index(drop=True)
    of_means = pairs["contrast"].str.endswith(AT_MEAN)
    named = pairs["contrast"].str.removesuffix(AT_MEAN)
    return replace(
        model,
        contrasts=pairs[~of_means],
        contrasts_of_means=pairs[of_means].assign(contrast=named[of_means]).reset_index(drop=True),
        means=marginal_means(fit, at, strategies_at(fit, scores, at, table.known)),
    )


def random_terms(scores: pd.DataFrame, coding: Coding) -> tuple[RandomTerm, ...]:
    """The coding's random part by target and, where runs have several rows on one, at levels of evaluation factors,
    `(1 | run_id)`."""
    by_target = RandomTerm("target", scores["target"].to_numpy(), coding.columns[list(coding.random)])
    if not scores.duplicated(["run_id", "target"]).any():
        return (by_target,)
    return by_target, intercepts_by("run_id", scores["run_id"].to_numpy())
