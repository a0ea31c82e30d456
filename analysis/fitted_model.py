"""A model and what came of fitting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.fitting.bootstrap import Refits, percentile_interval, refit
from analysis.fitting.engines import NATIVE, fit_by
from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import MixedFit, variances
from analysis.fitting.mixed_problem import NotCertified
from analysis.fitting.random_terms import RandomTerm
from analysis.fitting.summary import summary
from analysis.simultaneous import EACH, Judging
from analysis.statements import COLUMNS
from study.core.coding import Coding
from study.core.errors import InputFaults


@dataclass(frozen=True)
class Fitting:
    """How models are fitted: the bootstrap's refits, drawn by `rng`, the engine, and how families are judged."""

    n_bootstrap: int = 0
    rng: np.random.Generator | None = None
    engine: str = NATIVE
    judging: Judging = EACH


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


def fitted(model: Model, y: np.ndarray, fitting: Fitting) -> Model:
    """The model with what comes of fitting it to y (n_rows,)."""
    try:
        fit = fit_by(model.engine, y, model.coding.columns, model.random_part)
    except (NotCertified, InputFaults) as reason:
        return replace(model, why_not=str(reason))
    return with_fit(model, fit, fitting)


def with_fit(model: Model, fit: MixedFit, fitting: Fitting) -> Model:
    """The model with its fit, fixed effects and, where they are asked for, refits."""
    model = replace(model, fit=fit, fixed=fixed_effects(fit))
    if not fitting.n_bootstrap or fitting.rng is None:
        return model
    refits = refit(fit, fitting.n_bootstrap, fitting.rng)
    low, high = percentile_interval(refits.estimate)
    return replace(model, refits=refits, fixed=model.fixed.assign(bootstrap_low=low, bootstrap_high=high))


def _in_lme4(term: RandomTerm) -> list[str]:
    names = [f"`{name}`" for name in term.columns]
    group = ":".join(f"`{name}`" if not name.isidentifier() else name for name in term.group.split(":"))
    if term.tied:
        return [f"(1 | {group})"]
    return [f"(0 + {part} | {group})" for part in ([" + ".join(names)] if term.correlated else names)]
