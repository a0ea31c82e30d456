"""The models of the report fitted once more by another engine, and how far the two are apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import lme4
from analysis.mixed_model import fixed_effects
from analysis.models import Model
from analysis.results_table import ResultsTable
from analysis.tables import Table
from study.errors import Fault, InputFaults, nearest

ENGINES = ("lme4",)
TOLERANCE = {"criterion": 1e-4, "estimate": 1e-4, "se": 1e-4, "sd": 1e-3}
"""Within these two engines agree, scores being standardised. A deviation near zero hardly moves the criterion."""
SHOWN = {"criterion": "criterion", "estimate": "estimates", "se": "standard errors", "sd": "standard deviations"}


@dataclass(frozen=True)
class CrossCheck:
    """Fits by `engine`, of `versions`, beside the native ones.

    `comparison` has a row for each number: `model, quantity, term, native, <engine>, difference` (native less the
    other), the quantities being criterion, estimate, se, df and sd. `why_not` tells the models that were not compared.
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


def require_engine(engine: str) -> Mapping[str, str]:
    """The versions of `engine` and its parts. Raises `InputFaults` if it is unknown or not installed."""
    if engine not in ENGINES:
        expected = f"no such engine; expected {' or '.join(ENGINES)}"
        raise InputFaults([Fault("", "--cross-check", engine, expected, nearest(engine, ENGINES))])
    return lme4.versions()


def compare(engine: str, table: ResultsTable, models: Sequence[Model]) -> CrossCheck:
    """Fit each model that has a native fit by `engine` too. Raises as `require_engine`."""
    versions = require_engine(engine)
    compared, why_not = [], {}
    for model in models:
        if model.fit is None:
            why_not[model.name] = f"it has no native fit: {model.why_not}"
            continue
        try:
            compared.append(_compared(engine, table, model))
        except lme4.NoFit as reason:
            why_not[model.name] = f"{engine} did not fit it: {reason}"
    columns = ["model", "quantity", "term", "native", engine, "difference"]
    comparison = pd.concat(compared, ignore_index=True) if compared else pd.DataFrame(columns=columns)
    return CrossCheck(engine, versions, comparison[columns], why_not)


def sentences(check: CrossCheck) -> Iterator[str]:
    """What came of it: with which versions, then model by model the largest differences, and whether they are small."""
    listed = ", ".join(f"{name} {version}" for name, version in check.versions.items())
    yield f"Cross-checked with {check.engine} ({listed}), from the same columns by REML."
    for name in dict.fromkeys(check.comparison["model"]):
        largest = check.largest(name)
        differences = ", ".join(f"{SHOWN[quantity]} {value:.1e}" for quantity, value in largest.items())
        far = [SHOWN[quantity] for quantity, value in largest.items() if not value <= TOLERANCE[quantity]]
        verdict = f"the engines DISAGREE in {', '.join(far)}" if far else "the engines agree"
        yield f"Model {name}: {verdict}; largest differences: {differences}."
    for name, reason in check.why_not.items():
        yield f"Model {name} was not cross-checked: {reason}."


def _compared(engine: str, table: ResultsTable, model: Model) -> pd.DataFrame:
    fit, scores = model.fit, table.scores
    other = lme4.fit_by_group(scores["z"].to_numpy(), model.coding.columns, model.coding.random, scores["target"])
    fixed, deviations = fixed_effects(fit), np.sqrt([*fit.variance, fit.residual_variance])
    pairs = {
        "criterion": ([""], [fit.criterion], [other.criterion]),
        "estimate": (fit.fixed_terms, fixed["estimate"], other.estimate),
        "se": (fit.fixed_terms, fixed["se"], other.se),
        "df": (fit.fixed_terms, fixed["df"], other.df),
        "sd": ([*fit.random_terms, "residual"], deviations, [*other.sd, other.residual_sd]),
    }
    rows = pd.concat(
        pd.DataFrame({"quantity": quantity, "term": list(terms), "native": list(native), engine: list(its)})
        for quantity, (terms, native, its) in pairs.items()
    )
    return rows.assign(model=model.name, difference=rows["native"] - rows[engine])
