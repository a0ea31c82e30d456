"""The two models of the paper over a results table, each fitted or with the reason why it could not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.contrasts import marginal_means, pairwise_strategies, strategies_at, with_tukey
from analysis.fitting.bootstrap import Refits, percentile_interval, refit
from analysis.fitting.engines import NATIVE, fit_by
from analysis.fitting.mixed_model import MixedFit, fixed_effects, variances
from analysis.fitting.mixed_problem import NotCertified
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.fitting.summary import summary
from analysis.results_table import ResultsTable
from analysis.wording import listed
from study.core.coding import SINGLE, Coding, first_model, n_star, second_model
from study.core.errors import InputFaults
from study.core.factors import Level


@dataclass(frozen=True)
class Model:
    """A model and what came of it: `fit` is None where there is none to report, and `why_not` says why.

    A model of the study's own has its formula as `given`. `fixed` is `fixed_effects` of the fit, with `bootstrap_low`
    and `bootstrap_high` where there were `refits`. `contrasts` at n* = 0, `means` and `contrasts_of_means` at n* =
    `mean_n_star` are the first model's, of the strategies whose mean there it can estimate; `own_contrasts` are those
    that the study asks for. Frames are empty where there is nothing of the kind.
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
        if (np.concatenate(self.fit.boundary) & ~zero).any():
            found.append("correlated coefficients have a covariance matrix of less than full rank")
        return f"singular: {' and '.join(found)}" if found else "not singular"


def strategy_model(
    table: ResultsTable,
    factors: Mapping[str, Sequence[Level]],
    n_bootstrap: int,
    rng: np.random.Generator,
    engine: str = NATIVE,
) -> Model:
    """The first model (Eq. 10-12), with comparisons of strategies and their marginal means."""
    scores = table.scores
    model = _by_target("strategy", table, first_model(scores, factors), n_bootstrap, rng, engine)
    if model.fit is None:
        single = [name for name in table.strategies if (scores["strategy"] == name).sum() == 1]
        alone = f"; {listed(single)} with one score: without it the others could be compared" if single else ""
        return replace(model, why_not=f"{model.why_not}{alone}")
    multiple = scores[scores["strategy"] != SINGLE]
    steps = n_star(multiple["strategy"], multiple["n_sources"]) if "n_sources" in scores else np.empty(0)
    mean_n_star = float(steps.mean()) if len(steps) else 0.0
    simplest, at_mean = (strategies_at(model.fit, scores, at) for at in (0.0, mean_n_star))
    fit = model.fit
    model = replace(
        model,
        contrasts=with_tukey(pairwise_strategies(fit, 0.0, simplest), len(simplest)),
        mean_n_star=mean_n_star,
        means=marginal_means(fit, mean_n_star, at_mean),
    )
    if not mean_n_star:
        return model
    pairs = pairwise_strategies(fit, mean_n_star, at_mean)
    return replace(model, contrasts_of_means=with_tukey(pairs, len(at_mean)))


def size_model(table: ResultsTable, n_bootstrap: int, rng: np.random.Generator, engine: str = NATIVE) -> Model:
    """The second model (Eq. 13-16): the size of the network and the number of sources as numbers."""
    return _by_target("size", table, second_model(table.scores, table.evaluation_levels), n_bootstrap, rng, engine)


def fitted(model: Model, y: np.ndarray, n_bootstrap: int, rng: np.random.Generator) -> Model:
    """The model with what comes of fitting it to y (n_rows,)."""
    try:
        fit = fit_by(model.engine, y, model.coding.columns, model.random_part)
    except (NotCertified, InputFaults) as reason:
        return replace(model, why_not=str(reason))
    model = replace(model, fit=fit, fixed=fixed_effects(fit))
    if not n_bootstrap:
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


def _by_target(
    name: str, table: ResultsTable, coding: Coding, n_bootstrap: int, rng: np.random.Generator, engine: str
) -> Model:
    scores = table.scores
    model = Model(name, coding, random_terms(scores, coding), engine)
    if not coding.random:
        return replace(model, why_not="no term of the model varies in these rows")
    return fitted(model, scores["z"].to_numpy(), n_bootstrap, rng)


def _in_lme4(term: RandomTerm) -> list[str]:
    names = [f"`{name}`" for name in term.columns]
    group = ":".join(f"`{name}`" if not name.isidentifier() else name for name in term.group.split(":"))
    return [f"(0 + {part} | {group})" for part in ([" + ".join(names)] if term.correlated else names)]
