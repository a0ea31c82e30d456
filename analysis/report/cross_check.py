"""The models of the report fitted once more by another engine, and how far the two are apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.exhibits.exhibit import Table
from analysis.fitted_model import Model
from analysis.fitting.engine_fit import EngineFailed
from analysis.fitting.engines import OTHERS, require_engine
from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import MixedFit

TOLERANCE = {"criterion": 1e-4, "estimate": 1e-4, "se": 1e-4, "sd": 1e-3}
"""Within these two engines agree, scores being standardised. A deviation near zero hardly moves the criterion."""
SHOWN = {"criterion": "criterion", "estimate": "estimates", "se": "standard errors", "sd": "standard deviations"}
OTHER_STANDARD_ERRORS = {
    "statsmodels": "Its standard errors come from the observed information of all parameters, not of the variances "
    "alone; they differ by more and do not count towards agreement."
}
"""Engines whose standard errors are of another definition."""


@dataclass(frozen=True)
class CrossCheck:
    """Fits by `engine`, of `versions`, beside the report's own.

    `comparison` has a row for each number: `model, quantity, term, ours, <engine>, difference` (ours less the other),
    the quantities being criterion, estimate, se, df (where the engine has them) and sd, of the random coefficients and
    the residual. `why_not` names the models that were not compared.
    """

    engine: str
    versions: Mapping[str, str]
    comparison: pd.DataFrame
    why_not: Mapping[str, str]

    def largest(self, model: str) -> dict[str, float]:
        """The largest absolute difference of a model in each of criterion, estimate, se and sd."""
        rows = self.comparison[self.comparison["model"] == model]
        by_quantity = rows["difference"].abs().groupby(rows["quantity"]).max()
        return {quantity: float(by_quantity[quantity]) for quantity in TOLERANCE}

    def table(self) -> Table:
        """Every number of both engines, for tables/cross_check.csv."""
        return Table("cross_check", f"Cross-check with {self.engine}", "", self.comparison, on_page=False)


def compare(engine: str, models: Iterable[Model]) -> CrossCheck:
    """Fit each model that has a fit by `engine` too. Raises `InputFaults` if it is unknown or not installed."""
    versions = require_engine("--cross-check", engine)
    compared, why_not = [], {}
    for model in models:
        if model.fit is None:
            why_not[model.name] = f"it has no certified fit: {model.why_not}"
            continue
        try:
            compared.append(_compared(engine, model.name, model.fit))
        except EngineFailed as reason:
            why_not[model.name] = f"{engine} did not fit it: {reason}"
    columns = ["model", "quantity", "term", "ours", engine, "difference"]
    comparison = pd.concat(compared, ignore_index=True) if compared else pd.DataFrame(columns=columns)
    return CrossCheck(engine, versions, comparison[columns], why_not)


def sentences(check: CrossCheck) -> Iterator[str]:
    """What came of it: with which versions, then model by model the largest differences, and whether they are small."""
    listed = ", ".join(f"{name} {version}" for name, version in check.versions.items())
    of_its_own = OTHER_STANDARD_ERRORS.get(check.engine)
    yield f"Cross-checked with {check.engine} ({listed}), on the same columns, by REML." + (
        f" {of_its_own}" if of_its_own else ""
    )
    for name in dict.fromkeys(check.comparison["model"]):
        largest = check.largest(name)
        differences = ", ".join(f"{SHOWN[quantity]} {value:.1e}" for quantity, value in largest.items())
        judged = {quantity: value for quantity, value in largest.items() if quantity != "se" or not of_its_own}
        far = [SHOWN[quantity] for quantity, value in judged.items() if not value <= TOLERANCE[quantity]]
        verdict = f"the engines disagree in {', '.join(far)}" if far else "the engines agree"
        yield f"Model {name}: {verdict}; largest differences: {differences}."
    for name, reason in check.why_not.items():
        yield f"Model {name} was not cross-checked: {reason}."


def _compared(engine: str, name: str, fit: MixedFit) -> pd.DataFrame:
    if not fit.random:
        raise EngineFailed("without random terms it is least squares")
    other = OTHERS[engine].fit(fit.y, fit.fixed, fit.random, fit.reml)
    fixed = fixed_effects(fit)
    deviations = np.sqrt([*fit.variance, fit.residual_variance])
    its_deviations = np.sqrt([*np.concatenate([np.diag(one) for one in other.covariance]), other.residual_variance])
    pairs: dict[str, tuple[Iterable[str], Iterable[float], Iterable[float]]] = {
        "criterion": ([""], [fit.criterion], [other.criterion]),
        "estimate": (fit.fixed_terms, fixed["estimate"], other.estimate),
        "se": (fit.fixed_terms, fixed["se"], other.se),
        "sd": ([*fit.random_terms, "residual"], deviations, its_deviations),
    }
    if other.df is not None:
        pairs["df"] = (fit.fixed_terms, fixed["df"], other.df)
    rows = pd.concat(
        pd.DataFrame({"quantity": quantity, "term": list(terms), "ours": list(ours), engine: list(its)})
        for quantity, (terms, ours, its) in pairs.items()
    )
    return rows.assign(model=name, difference=rows["ours"] - rows[engine])
