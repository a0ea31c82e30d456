"""Modes and predictions beside Henderson's mixed model equations, solved whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.fitting import random_layout
from analysis.fitting.conditional import fitted, modes, predict, residuals
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.random_terms import RandomTerm


@pytest.fixture(params=["blocks", "border"])
def fit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MixedFit:
    monkeypatch.setattr(random_layout, "WORTH_A_BORDER", 9.0 if request.param == "border" else 0.0)
    rng = np.random.default_rng(12)
    n = 150
    first, second, x = rng.integers(0, 8, n), rng.integers(0, 15, n), rng.standard_normal(n)
    fixed = pd.DataFrame({"intercept": 1.0, "x": x})
    y = 3.0 + rng.standard_normal(8)[first] + rng.standard_normal(8)[first] * x + rng.standard_normal(15)[second]
    terms = [RandomTerm("first", first, fixed, True), RandomTerm("second", second, fixed[["intercept"]])]
    found = fit_mixed(y + 0.8 * rng.standard_normal(n), fixed, terms)
    assert found.design.border.n_columns == (15 if request.param == "border" else 0)
    return found


def henderson(fit: MixedFit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Z (n, B) in the order of `modes`, the solution (p + B,), and the covariance of its error."""
    z, g = [], []
    for term, codes, covariance in zip(fit.random, fit.layout.codes, fit.relative_covariance, strict=True):
        n_levels = codes.max() + 1
        indicators = np.eye(n_levels)[codes]
        z.append((indicators[:, :, None] * term.columns.to_numpy()[:, None, :]).reshape(len(codes), -1))
        g.append(np.kron(np.eye(n_levels), covariance))
    z = np.hstack(z)
    n_first = len(g[0])
    inverse = np.zeros((z.shape[1], z.shape[1]))
    inverse[:n_first, :n_first], inverse[n_first:, n_first:] = np.linalg.inv(g[0]), np.linalg.inv(g[1])
    xz = np.hstack([fit.fixed.to_numpy(), z])
    left = xz.T @ xz
    left[2:, 2:] += inverse
    return z, np.linalg.solve(left, xz.T @ fit.y), fit.residual_variance * np.linalg.inv(left)


def test_modes_are_the_solution_of_the_mixed_model_equations(fit: MixedFit) -> None:
    z, solution, _ = henderson(fit)
    found = modes(fit)
    assert list(found) == ["group", "level", "term", "mode", "se"]
    assert found.iloc[[0, 1, -1]][["group", "level", "term"]].to_numpy().tolist() == [
        ["first", "0", "intercept"], ["first", "0", "x"], ["second", "14", "intercept"],
    ]  # fmt: skip
    np.testing.assert_allclose(fit.estimate, solution[:2], atol=1e-9)
    np.testing.assert_allclose(found["mode"], solution[2:], atol=1e-9)
    np.testing.assert_allclose(fitted(fit), fit.fixed.to_numpy() @ solution[:2] + z @ solution[2:], atol=1e-9)
    np.testing.assert_allclose(residuals(fit), fit.y - fitted(fit))


def test_standard_errors_of_modes_take_the_fixed_effects_as_known(fit: MixedFit) -> None:
    _, _, covariance = henderson(fit)
    given_fixed = np.linalg.inv(np.linalg.inv(covariance)[2:, 2:])
    np.testing.assert_allclose(modes(fit)["se"], np.sqrt(np.diag(given_fixed)), rtol=1e-8)


def test_predictions_have_the_joint_error_of_fixed_effects_and_modes(fit: MixedFit) -> None:
    _, solution, covariance = henderson(fit)
    rng = np.random.default_rng(1)
    x, z = rng.standard_normal((20, 2)), rng.standard_normal((20, len(solution) - 2))
    value, variance = predict(fit, x, z)
    both = np.hstack([x, z])
    np.testing.assert_allclose(value, both @ solution, atol=1e-9)
    np.testing.assert_allclose(variance, np.einsum("mi,ij,mj->m", both, covariance, both), rtol=1e-8)
