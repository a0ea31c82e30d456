"""What every other engine must do with the mixed models of the reference tables: end where the native fitter does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.fitting.engines import OTHERS, fit_by
from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.random_terms import RandomTerm
from study.core.coding import first_model, second_model

REFERENCE = Path(__file__).parents[1] / "reference"


class EngineContract:
    """A subclass names its `engine`, how near its criterion comes, whether its standard errors are defined alike."""

    engine: str
    criterion_tolerance: float
    same_standard_errors: bool

    def check(self, y: np.ndarray, fixed: pd.DataFrame, random: list[RandomTerm], reml: bool = True) -> MixedFit:
        """Its own numbers, and the fit that is made of its variances, beside the native fit."""
        native, its = fit_mixed(y, fixed, random, reml), OTHERS[self.engine].fit(y, fixed, random, reml)
        table = fixed_effects(native)
        assert its.criterion == pytest.approx(native.criterion, abs=self.criterion_tolerance)
        np.testing.assert_allclose(its.estimate, table["estimate"], atol=1e-4)
        if self.same_standard_errors:
            np.testing.assert_allclose(its.se, table["se"], atol=1e-5)
        if its.df is not None:
            np.testing.assert_allclose(its.df, table["df"], rtol=0.01)
        for block, ours in zip(its.covariance, native.relative_covariance, strict=True):
            np.testing.assert_allclose(block, ours * native.residual_variance, atol=2e-3)
        made_of_it = fit_by(self.engine, y, fixed, random, reml)
        assert made_of_it.criterion == pytest.approx(native.criterion, abs=self.criterion_tolerance)
        assert made_of_it.singular == native.singular
        np.testing.assert_allclose(fixed_effects(made_of_it)["se"], table["se"], atol=1e-4)
        return native

    @pytest.mark.parametrize("model", [first_model, second_model])
    @pytest.mark.parametrize("table", ["unbalanced", "singular"])
    def test_models_of_the_paper(self, table: str, model) -> None:
        rows = pd.read_csv(REFERENCE / f"mixed_models_{table}.csv")
        coding = model(rows)
        by_target = RandomTerm("target", rows["target"].to_numpy(), coding.columns[list(coding.random)])
        fit = self.check(rows["score"].to_numpy(), coding.columns, [by_target])
        assert table == "unbalanced" or fit.singular

    @pytest.mark.parametrize("reml", [True, False])
    def test_correlated_coefficients(self, reml: bool) -> None:
        rng = np.random.default_rng(3)
        level = np.repeat(np.arange(18), 10)
        x = np.tile(np.arange(10.0), 18)
        own = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.1], [0.1, 0.05]], 18)[level]
        columns = pd.DataFrame({"intercept": 1.0, "days": x})
        y = 2.0 + 0.4 * x + own[:, 0] + own[:, 1] * x + rng.normal(size=len(x))
        self.check(y, columns, [RandomTerm("subject", level, columns, correlated=True)], reml)

    def test_crossed_intercepts(self) -> None:
        rng = np.random.default_rng(8)
        a, b = (grid.ravel() for grid in np.meshgrid(np.arange(6), np.arange(9)))
        a, b = np.tile(a, 3), np.tile(b, 3)
        y = rng.normal(size=6)[a] + 0.5 * rng.normal(size=9)[b] + rng.normal(size=len(a))
        one = pd.DataFrame({"intercept": np.ones(len(y))})
        self.check(y, one, [RandomTerm("a", a, one), RandomTerm("b", b, one)])
