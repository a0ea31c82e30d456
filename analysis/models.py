"""The headline models and the paper's over a results table, each fitted or with the reason why it could not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.contrasts import marginal_means, strategies_at
from analysis.fitting.bootstrap import Refits, percentile_interval, refit
from analysis.fitting.engines import NATIVE, fit_by
from analysis.fitting.mixed_model import MixedFit, fixed_effects, variances
from analysis.fitting.mixed_problem import NotCertified, NotDetermined
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.fitting.summary import summary
from analysis.headline_terms import RandomPart, centred, headline_terms
from analysis.results_table import ResultsTable
from analysis.statements import AT_MEAN, COLUMNS, PAIRS, mean_n_star, statements_of
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


@dataclass(frozen=True)
class Model:
    """A model and what came of it: `fit` is None where there is none to report, and `why_not` says why.

    A model of the study's own has its formula as `given`. `fixed` is `fixed_effects` of the fit, with `bootstrap_low`
    and `bootstrap_high` where there were `refits`. `contrasts` at n* = 0, `means` and `contrasts_of_means` at n* =
    `mean_n_star` are the first model's, of the strategies whose mean there it can estimate; `own_contrasts` are those
    that the study asks for. `statements` are all that it states, by family (`analysis.statements`), `contrasts` and
    `contrasts_of_means` among them; `omitted` are the random terms that the table's shape does not bear, and
    `no_verdicts` says why nothing may be called significant. Frames are empty where there is nothing of the kind.
    """

    name: str
    coding: Coding
    random_part: tuple[RandomTerm, ...]
    engine: str = NATIVE
    given: str | None = None
    why_not: str | None = None
    fit: MixedFit | None = None
    fixed: pd.DataFrame = field(default_factory=pd.DataFrame)
    refits: Refits | None = None
    contrasts: pd.DataFrame = field(default_factory=pd.DataFrame)
    contrasts_of_means: pd.DataFrame = field(default_factory=pd.DataFrame)
    means: pd.DataFrame = field(default_factory=pd.DataFrame)
    mean_n_star: float | None = None
    own_contrasts: pd.DataFrame = field(default_factory=pd.DataFrame)
    statements: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))
    omitted: Mapping[str, str] = field(default_factory=dict)
    no_verdicts: str | None = None

    @property
    def criterion(self) -> float | None:
        """-2 log restricted likelihood, as lme4 prints it; None without a fit."""
        return None if self.fit is None else self.fit.criterion

    @property
    def random(self) -> pd.DataFrame:
        """`group, term, variance, sd, boundary` of each random coefficient and, of no group, the residual; with a
        bootstrap, the share of refits that have it on the boundary. Empty without a fit."""
        if self.fit is None:
            return pd.DataFrame()
        frame = variances(self.fit)
        if self.refits is None:
            return frame
        return frame.assign(share_of_refits_with_zero=np.append(self.refits.zero_share(), np.nan))

    @property
    def formula(self) -> str:
        """The whole model as lme4 takes it, on the coded columns: `||` would leave a factor's levels correlated."""
        fixed = [f"`{name}`" for name in self.coding.columns]
        return " + ".join(["z ~ 0", *fixed, *(part for term in self.random_part for part in _in_lme4(term))])

    def summary(self) -> str:
        """The fit as text, in the order of R's `summary(lmer)`; why there is none, where there is none."""
        if self.fit is None:
            return f"Model {self.name} has no fit: {self.why_not}"
        return summary(self.fit, self.given or self.formula, self.coding.left_out)

    @property
    def n_rows(self) -> int:
        return len(self.coding.columns)

    @property
    def groups(self) -> Mapping[str, int]:
        """The number of levels of each grouping factor."""
        return {term.group: len(np.unique(term.levels)) for term in self.random_part}

    @property
    def singularity(self) -> str:
        """Whether the optimum is on the boundary, and how."""
        if self.fit is None:
            return "no fit"
        zero = self.fit.variance == 0.0
        found = [f"{zero.sum()} of {len(zero)} variances are zero"] * bool(zero.any())
        if (self.fit.random_table()["boundary"].to_numpy() & ~zero).any():
            found.append("correlated coefficients have a covariance matrix of less than full rank")
        return f"singular: {' and '.join(found)}" if found else "not singular"


def strategy_model(
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
    engine: str = NATIVE,
    seed: int = 0,
) -> Model:
    """The headline's first model: strategies, their slopes on n* and further factors, with what scores share."""
    coding = centred(first_model(table.scores, factors))
    return _with_means(_headline("strategy", table, coding, factors, n_bootstrap, rng, engine, seed), table, seed)


def size_model(
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
    engine: str = NATIVE,
    seed: int = 0,
) -> Model:
    """The headline's second model: the size of the network and the number of sources as numbers, further factors, with
    what scores share."""
    coding = centred(second_model(table.scores, factors))
    return _stating(_headline("size", table, coding, factors, n_bootstrap, rng, engine, seed), table, seed)


def paper_strategy_model(
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
    engine: str = NATIVE,
    seed: int = 0,
) -> Model:
    """The paper's first model to the letter (Eq. 10-12)."""
    coding = first_model(table.scores, factors)
    model = Model("paper_strategy", coding, random_terms(table.scores, coding), engine)
    return _with_means(_fitted(model, table, n_bootstrap, rng), table, seed)


def paper_size_model(
    table: ResultsTable,
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
    engine: str = NATIVE,
    seed: int = 0,
) -> Model:
    """The paper's second model to the letter (Eq. 13-16)."""
    coding = second_model(table.scores, table.evaluation_levels)
    model = Model("paper_size", coding, random_terms(table.scores, coding), engine)
    return _stating(_fitted(model, table, n_bootstrap, rng), table, seed)


def treatment_model(
    table: ResultsTable,
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
    engine: str = NATIVE,
    seed: int = 0,
    reference: Sequence[str] = (),
) -> Model:
    """The model of a table of any field: what its treatments do, with what scores share.

    `contrasts` compare the levels of treatments, all pairs or each with a `reference`; `means` are the levels' own.
    """
    factors = table.factor_levels
    coding = treatment_coding(table.scores, factors)
    model = _headline(TREATMENTS, table, coding, factors, n_bootstrap, rng, engine, seed)
    if model.fit is None:
        return model
    stated = treatment_statements(model.fit, factors, seed, reference)
    compared = [factor_column(name) for name, levels in factors.items() if not are_numbers(levels)]
    pairs = stated[stated["family"].isin(compared)].rename(columns={"effect": "contrast"}).drop(columns="family")
    means = level_means(model.fit, factors)
    return replace(model, statements=stated, contrasts=pairs.reset_index(drop=True), means=means)


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
    n_bootstrap: int,
    rng: np.random.Generator | None,
    engine: str,
    seed: int,
) -> Model:
    known = bool(table.sources or table.roles)
    part = headline_terms(table.scores, coding, factors, known)
    model = Model(name, coding, part.terms, engine, omitted=part.omitted, no_verdicts=part.no_verdicts)
    if not coding.random or list(coding.columns) == [INTERCEPT]:
        return replace(model, why_not=NOTHING_VARIES)
    try:
        fit, part = headline_fit(table.scores, coding, factors, known, engine, part=part)
    except (NotCertified, InputFaults) as reason:
        return replace(model, why_not=str(reason))
    model = replace(model, random_part=part.terms, omitted=part.omitted, no_verdicts=part.no_verdicts)
    return _of_fit(model, fit, n_bootstrap, rng)


def _fitted(model: Model, table: ResultsTable, n_bootstrap: int, rng: np.random.Generator | None) -> Model:
    if not model.coding.random:
        return replace(model, why_not=NOTHING_VARIES)
    return fitted(model, table.scores["z"].to_numpy(), n_bootstrap, rng)


def _stating(model: Model, table: ResultsTable, seed: int) -> Model:
    return model if model.fit is None else replace(model, statements=statements_of(model.fit, table.scores, seed))


def _with_means(model: Model, table: ResultsTable, seed: int) -> Model:
    """With statements, comparisons of strategies and their marginal means."""
    scores, fit = table.scores, model.fit
    if fit is None:
        single = [name for name in table.strategies if (scores["strategy"] == name).sum() == 1]
        alone = f"; {listed(single)} with one score: without it the others could be compared" if single else ""
        return replace(model, why_not=f"{model.why_not}{alone}")
    at = mean_n_star(scores)
    model = replace(_stating(model, table, seed), mean_n_star=at)
    pairs = model.statements[model.statements["family"] == PAIRS].rename(columns={"effect": "contrast"})
    pairs = pairs.drop(columns="family").reset_index(drop=True)
    of_means = pairs["contrast"].str.endswith(AT_MEAN)
    named = pairs["contrast"].str.removesuffix(AT_MEAN)
    return replace(
        model,
        contrasts=pairs[~of_means],
        contrasts_of_means=pairs[of_means].assign(contrast=named[of_means]).reset_index(drop=True),
        means=marginal_means(fit, at, strategies_at(fit, scores, at)),
    )


def fitted(model: Model, y: np.ndarray, n_bootstrap: int, rng: np.random.Generator | None) -> Model:
    """The model with what comes of fitting it to y (n_rows,)."""
    try:
        fit = fit_by(model.engine, y, model.coding.columns, model.random_part)
    except (NotCertified, InputFaults) as reason:
        return replace(model, why_not=str(reason))
    return _of_fit(model, fit, n_bootstrap, rng)


def _of_fit(model: Model, fit: MixedFit, n_bootstrap: int, rng: np.random.Generator | None) -> Model:
    model = replace(model, fit=fit, fixed=fixed_effects(fit))
    if not n_bootstrap or rng is None:
        return model
    refits = refit(fit, n_bootstrap, rng)
    low, high = percentile_interval(refits.estimate)
    return replace(model, refits=refits, fixed=model.fixed.assign(bootstrap_low=low, bootstrap_high=high))


def random_terms(scores: pd.DataFrame, coding: Coding) -> tuple[RandomTerm, ...]:
    """The coding's random part by target and, where runs have several rows on one, at levels of evaluation factors,
    `(1 | run_id)`."""
    by_target = RandomTerm("target", scores["target"].to_numpy(), coding.columns[list(coding.random)])
    if not scores.duplicated(["run_id", "target"]).any():
        return (by_target,)
    return by_target, intercepts_by("run_id", scores["run_id"].to_numpy())


def _in_lme4(term: RandomTerm) -> list[str]:
    names = [f"`{name}`" for name in term.columns]
    group = ":".join(f"`{name}`" if not name.isidentifier() else name for name in term.group.split(":"))
    return [f"(0 + {part} | {group})" for part in ([" + ".join(names)] if term.correlated else names)]
