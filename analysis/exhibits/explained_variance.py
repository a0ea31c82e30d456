"""How much of the scores' variance a fit explains: R2 marginal and conditional, and intraclass correlation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.fitted_model import Model
from analysis.fitting.mixed_model import MixedFit


@dataclass(frozen=True)
class ExplainedVariance:
    """Variances of the scores by their origin: fixed effects, random effects (mean over the rows), and the residual."""

    fixed: float
    random: float
    residual: float

    @property
    def r2_marginal(self) -> float:
        """The share of the fixed effects."""
        return self.fixed / (self.fixed + self.random + self.residual)

    @property
    def r2_conditional(self) -> float:
        """The share of fixed and random effects together."""
        return (self.fixed + self.random) / (self.fixed + self.random + self.residual)

    @property
    def icc(self) -> float:
        """The random effects' share of what the fixed effects leave (adjusted intraclass correlation)."""
        return self.random / (self.random + self.residual)


def explained_variance(fit: MixedFit) -> ExplainedVariance:
    """Nakagawa and Schielzeth 2013, with random slopes as Johnson 2014: a row's random variance is z'Gz, of which the
    mean over the rows is taken."""
    by_row = np.zeros(fit.n_rows)
    for term, covariance in zip(fit.random, fit.relative_covariance, strict=True):
        z = term.columns.to_numpy(dtype=float)
        by_row += np.einsum("nq,qr,nr->n", z, covariance, z)
    of_fixed = (fit.fixed.to_numpy(dtype=float) @ fit.estimate).var(ddof=1)
    return ExplainedVariance(float(of_fixed), float(fit.residual_variance * by_row.mean()), fit.residual_variance)


def exhibit(evidence: Evidence) -> Exhibit:
    """The facts of the fits."""
    return Exhibit("fit_facts", "models", tuple(shown(tuple(evidence.models.values()))))


def shown(models: Sequence[Model]) -> Iterator[Table]:
    """The facts of each fit in one table."""
    note = (
        "R2: Nakagawa and Schielzeth (2013), with random slopes as in Johnson (2014). icc: the share of random "
        "effects in the variance that is not explained by fixed effects. Converged: certified as an optimum. "
        "Singular: at the optimum a variance is zero, or the covariance matrix of correlated coefficients is not of "
        "full rank (for two coefficients: a correlation of 1 or -1). The table of variances shows in what share of the "
        "refits each variance is zero."
    )
    yield Table("fit_facts", "The fits", note, pd.DataFrame([_facts(model) for model in models]))


def _facts(model: Model) -> dict[str, object]:
    fit, refits = model.fit, model.refits
    groups = ", ".join(f"{n} {group}" for group, n in model.groups.items())
    facts = {"model": model.name, "n_rows": model.n_rows, "groups": groups, "converged": fit is not None}
    if fit is None:
        return facts
    explained = explained_variance(fit)
    return facts | {
        "singular": fit.singular,
        "variances": len(fit.variance),
        "zero_variances": int((fit.variance == 0.0).sum()),
        "criterion": fit.criterion,
        "r2_marginal": explained.r2_marginal,
        "r2_conditional": explained.r2_conditional,
        "icc": explained.icc,
        "refits": len(refits.estimate) if refits else 0,
        "refits_left_out": refits.n_uncertified if refits else 0,
    }
