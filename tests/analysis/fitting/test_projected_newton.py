from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from analysis.fitting.covariance_parameters import Ties
from analysis.fitting.cross_products import design_of, response_of
from analysis.fitting.projected_newton import minimise
from analysis.fitting.restricted_likelihood import derivatives, evaluate


def problem(seed: int, sd: tuple[float, float]) -> tuple[object, object]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(6), 12)
    x = np.column_stack([np.ones(72), rng.standard_normal(72)])
    effects = rng.standard_normal((6, 2)) * sd
    y = (x * (np.array([1.0, -0.5]) + effects[group])).sum(axis=1) + rng.standard_normal(72)
    design = design_of(x, x, group, Ties(np.eye(2)))
    return design, response_of(design, y[None], x, x, group)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), first=st.sampled_from([0.0, 0.3, 3.0]), second=st.sampled_from([0.0, 1.0]))
def test_the_minimum_is_certified_and_no_other_method_finds_a_lower_one(seed: int, first: float, second: float) -> None:
    design, response = problem(seed, (first, second))
    found = minimise(design, response, np.array([[1.0, 1.0]]))
    assert found.certified[0]
    gradient = derivatives(design, evaluate(design, response, found.phi)).gradient[0]
    zero = found.phi[0] == 0.0
    assert (gradient[zero] >= -1e-4).all()
    np.testing.assert_allclose(gradient[~zero], 0.0, atol=1e-3)
    other = minimize(
        lambda phi: evaluate(design, response, phi[None]).criterion[0],
        [1.0, 1.0],
        method="L-BFGS-B",
        bounds=[(0, None)] * 2,
    )
    assert found.criterion[0] <= other.fun + 1e-7


def test_all_starts_lead_to_one_minimum() -> None:
    design, response = problem(7, (0.5, 0.5))
    starts = np.array([[0.0, 0.0], [1e-3, 1e3], [50.0, 50.0], [1.0, 0.0]])
    found = minimise(design, response.take(np.zeros(4, dtype=int)), starts)
    assert found.certified.all()
    np.testing.assert_allclose(found.phi, np.tile(found.phi[0], (4, 1)), rtol=2e-5)


def test_a_zero_is_exactly_zero() -> None:
    rng, group = np.random.default_rng(3), np.repeat(np.arange(6), 12)
    x = np.column_stack([np.ones(72), np.tile(np.arange(12.0) - 5.5, 6)])
    y = (x * (rng.standard_normal((6, 2)) * (0.0, 2.0))[group]).sum(axis=1) + rng.standard_normal(72)
    y -= np.repeat(y.reshape(6, 12).mean(axis=1), 12)  # groups that agree more than chance would have it
    design = design_of(x, x, group, Ties(np.eye(2)))
    found = minimise(design, response_of(design, y[None], x, x, group), np.array([[1.0, 1.0]]))
    assert found.certified[0]
    assert found.phi[0, 0] == 0.0
    assert found.phi[0, 1] > 1.0


def test_a_search_that_is_cut_short_is_not_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.fitting.projected_newton.MAX_ITERATIONS", 1)
    design, response = problem(7, (0.5, 0.5))
    assert not minimise(design, response, np.array([[30.0, 30.0]])).certified[0]
