"""The certified fitter for any data frame and response: `fit_mixed("reaction ~ days + (days | subject)", frame)`."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pandas.api import types

from analysis.fitting import mixed_model
from analysis.fitting.bootstrap import Refits, draws, percentile_interval, refit
from analysis.fitting.conditional import predict
from analysis.fitting.inference import contrast_tests, fixed_effects
from analysis.fitting.mixed_model import MixedFit, variances
from analysis.fitting.summary import summary
from analysis.formulas.formula import Built, build
from analysis.formulas.marginal_means import (
    coded_beside,
    factors_of,
    mean_weights,
    means_table,
    pairs_table,
    require_factor,
)
from study.core.errors import Fault, nearest, raise_all
from study.core.factors import Level
from study.core.formula import Formula, quoted
from study.core.formula_grammar import parse
from study.core.formula_names import Column, faults_of_formula
from study.core.model_matrix import group_levels, model_matrix

EXAMPLES_SHOWN = 5


def fit_mixed(formula: str, frame: pd.DataFrame, reml: bool = True) -> MixedModel:
    """Fit a linear mixed model by restricted maximum likelihood, or by maximum likelihood where `reml` is False.

    The formula is in lme4's language (Bates et al. 2015, section 2): `y ~ a * x + (x | g)`, `(x || g)`, `(1 | g/h)`,
    `log(x)`, `I(x^2)`, `factor(x)`. Text, booleans and categories are factors, coded by treatment contrasts against
    their first level (categories in their order, other levels ascending). Rows that lack a value are left out, as lme4
    leaves them out, and counted in `left_out`.

    Raises `InputFaults` for a formula that cannot be read, for columns that are not there, and for a response that is
    not a number; `NotCertified` where the rows do not determine the variances, or no optimum is certified.
    """
    columns = _columns(frame)
    raise_all(_faults(formula, frame, columns))
    parsed = parse(formula)
    built = build(parsed, frame, columns, parsed.response)
    if not len(built.y):
        raise_all([Fault("", "rows", 0, "expected rows that have all values: none has")])
    fit = mixed_model.fit_mixed(built.y, built.fixed, built.random, reml)
    return MixedModel(formula, parsed, frame[built.used], columns, built, fit)


@dataclass(frozen=True, repr=False)
class MixedModel:
    """A fitted model: `frame` has the rows that it was fitted to, `fit` all numbers. What is printed is `summary`."""

    formula: str
    parsed: Formula
    frame: pd.DataFrame
    columns: Mapping[str, Column]
    built: Built
    fit: MixedFit

    @property
    def criterion(self) -> float:
        """-2 log (restricted) likelihood, as lme4 prints it."""
        return self.fit.criterion

    @property
    def left_out(self) -> Mapping[str, str]:
        """Rows and terms that were left out, each with the reason."""
        return self.built.left_out

    @cached_property
    def fixed(self) -> pd.DataFrame:
        """`term, estimate, se, df, t, p, ci_low, ci_high` of each fixed term, by Satterthwaite's method."""
        return fixed_effects(self.fit)

    @cached_property
    def random(self) -> pd.DataFrame:
        """`group, term, variance, sd, boundary` of each random coefficient and, of no group, of the residual."""
        return variances(self.fit)

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """`group, term, other, correlation` of each two correlated coefficients."""
        return self.fit.correlations()

    def summary(self) -> str:
        """The fit as text, in the order of R's `summary(lmer)`."""
        return summary(self.fit, self.formula, self.left_out)

    def contrast(self, weights: Mapping[str, float]) -> pd.DataFrame:
        """The test of a weighted sum of fixed terms, as a row `estimate, se, df, t, p, ci_low, ci_high`.

        Raises `InputFaults` for terms that the model does not have.
        """
        terms = self.fit.fixed_terms
        raise_all(
            Fault("", "contrast", name, f"no such term; expected of {', '.join(terms)}", nearest(name, terms))
            for name in weights
            if name not in terms
        )
        return contrast_tests(self.fit, np.array([[weights.get(term, 0.0) for term in terms]], dtype=float))

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`prediction` and `se` of the expected response, one row for each of the frame, with its index.

        Random effects of levels that the fit has seen are in the prediction; those of other levels count as zero, and
        their variance is in `se`. The residual and the uncertainty of the variances are not in `se`. Raises
        `InputFaults` for columns that are missing, rows that lack a value, and levels of fixed terms without an
        estimate.
        """
        names = dict.fromkeys(one.name for one in self.parsed.variables)
        groups = dict.fromkeys(name for part in self.parsed.random for name in part.group)
        raise_all(_faults_of_new(self, frame, [*names, *(name for name in groups if name not in names)]))
        variables = {
            one: coded_beside(one, self.columns[one.name], self.frame, frame[one.name]) for one in self.parsed.variables
        }
        fixed = model_matrix(self.parsed.fixed, variables, len(frame))[list(self.fit.fixed_terms)].to_numpy()
        columns, unseen, fit = [], np.zeros(len(frame)), self.fit
        terms = zip(self.parsed.random, fit.random, fit.layout.levels, fit.relative_covariance, strict=True)
        for part, term, levels, covariance in terms:
            z = model_matrix(part.terms, variables, len(frame))[list(term.columns)].to_numpy()
            own = group_levels(frame[list(part.group)])
            columns.append(((own[:, None] == levels)[:, :, None] * z[:, None, :]).reshape(len(frame), -1))
            unseen += np.where(np.isin(own, levels), 0.0, np.einsum("nq,qr,nr->n", z, covariance, z))
        value, variance = predict(fit, fixed, np.hstack(columns))
        se = np.sqrt(variance + fit.residual_variance * unseen)
        return pd.DataFrame({"prediction": value, "se": se}, index=frame.index)

    def bootstrap(self, n: int, seed: int | np.random.SeedSequence | np.random.Generator = 0) -> Bootstrap:
        """Parametric bootstrap by n refits to responses drawn from the fit; the same seed gives the same draws."""
        return Bootstrap(self.fit, refit(self.fit, n, np.random.default_rng(seed)))

    def means(self, factor: str) -> pd.DataFrame:
        """Marginal means of a factor's levels: `level, estimate, se, df, t, p, ci_low, ci_high`.

        Combinations of the other factors' levels count the same, and numbers are at their means, as `emmeans` has it.
        There are no numbers where a combination of levels did not occur. Raises `InputFaults` for what is no factor.
        """
        return means_table(self.fit, self._mean_weights(factor))

    def pairs(self, factor: str, seed: int = 0) -> pd.DataFrame:
        """Differences of a factor's marginal means: `pair, estimate, se, df, t, p`, `p_adjusted` and the interval
        simultaneous over all of them (max-t), `p_holm` beside. Raises `InputFaults` for what is no factor."""
        return pairs_table(self.fit, self._mean_weights(factor), seed)

    def _mean_weights(self, factor: str) -> Mapping[Level, np.ndarray | None]:
        require_factor("factor", factor, factors_of(self.parsed, self.columns))
        return mean_weights(self.parsed, self.frame, self.columns, self.fit.fixed_terms, factor)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


@dataclass(frozen=True, repr=False)
class Bootstrap:
    """Refits of a fit to responses drawn from it; those without a certified optimum are not among them."""

    fit: MixedFit
    refits: Refits

    @property
    def n_left_out(self) -> int:
        """Refits whose optimum was not certified."""
        return self.refits.n_uncertified

    @property
    def draws(self) -> pd.DataFrame:
        """`fixed.<term>` and `variance.<group>.<term>` of each refit."""
        return draws(self.fit, self.refits)

    @property
    def intervals(self) -> pd.DataFrame:
        """`part, group, term, estimate, low, high`: 95 % percentile intervals of the fixed effects and of the random
        coefficients' standard deviations."""
        terms, table = self.fit.fixed_terms, self.fit.random_table()
        fixed = pd.DataFrame({"part": "fixed", "group": "", "term": terms, "estimate": self.fit.estimate})
        sd = pd.DataFrame({"part": "sd", "group": table["group"], "term": table["term"], "estimate": table["sd"]})
        low, high = percentile_interval(np.hstack([self.refits.estimate, np.sqrt(self.refits.variance)]))
        return pd.concat([fixed, sd], ignore_index=True).assign(low=low, high=high)

    def __repr__(self) -> str:
        n = len(self.refits.estimate)
        return f"{n} bootstrap refits, {self.n_left_out} left out\n{self.intervals.to_string(index=False)}"


def _columns(frame: pd.DataFrame) -> dict[str, Column]:
    """The frame's columns as a formula may use them: numbers, or factors with the levels that occur in their order."""
    found = {}
    for name in frame.columns[~frame.columns.duplicated(keep=False)]:
        values = frame[name]
        if not isinstance(name, str) or types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
            continue
        is_number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
        found[name] = Column(name, is_number, () if is_number else _levels(values))
    return found


def _levels(values: pd.Series) -> tuple[Level, ...]:
    """The levels of a factor: of a category in its order, others ascending, kind by kind."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return tuple(values.cat.categories)
    return tuple(sorted(values.dropna().unique().tolist(), key=lambda level: (type(level).__name__, level)))


def _faults(formula: str, frame: pd.DataFrame, columns: Mapping[str, Column]) -> Iterator[Fault]:
    """What is wrong with the formula over the frame, and with the response."""
    yield from faults_of_formula(formula, columns, "", "formula", None)
    response = formula.partition("~")[0].strip().strip("`")
    if response in columns and not columns[response].is_number:
        numbers = pd.to_numeric(frame[response].astype(object), errors="coerce")
        odd = frame[response][numbers.isna() & frame[response].notna()]
        example = f"; {odd.iloc[0]!r} is none" if len(odd) else f"; it is of type {frame[response].dtype}"
        yield Fault("", f"response {quoted(response)}", None, f"expected a column of numbers{example}")


def _faults_of_new(model: MixedModel, frame: pd.DataFrame, names: list[str]) -> Iterator[Fault]:
    """Columns that new rows lack, values that they lack, and levels that the fit has not seen."""
    for name in names:
        if name not in frame:
            yield Fault("", name, None, "no such column in the new rows", nearest(name, map(str, frame.columns)))
            continue
        empty = np.flatnonzero(frame[name].isna())
        if len(empty):
            at = ", ".join(str(position + 1) for position in empty[:EXAMPLES_SHOWN])
            more = f" and {len(empty) - EXAMPLES_SHOWN} more" if len(empty) > EXAMPLES_SHOWN else ""
            yield Fault("", name, None, f"expected a value in every row; empty in rows {at}{more}, counted from 1")
    for one in model.parsed.variables:
        if one.name in frame and (one.function == "factor" or not model.columns[one.name].is_number):
            seen = model.frame[one.name].unique().tolist()
            for level in frame[one.name].dropna().unique():
                if level not in seen:
                    expected = f"the fit has no such level; expected of {', '.join(map(str, seen))}"
                    yield Fault("", one.name, level, expected, nearest(str(level), map(str, seen)))
