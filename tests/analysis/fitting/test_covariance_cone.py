"""Coordinates of covariance matrices: wherever they go it is positive semidefinite, and the chain rule holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize

from analysis.fitting.covariance_cone import (
    from_phi,
    in_coordinates,
    jacobian,
    moved,
    on_boundary,
    to_phi,
    without_effect,
)
from analysis.fitting.cross_products import Design, Response, design_of, response_of
from analysis.fitting.projected_newton import minimise
from analysis.fitting.random_layout import layout_of
from analysis.fitting.random_terms import RandomTerm
from analysis.fitting.restricted_likelihood import derivatives, evaluate


def problem(seed: int, rank: int, size: int = 3) -> tuple[Design, Response]:
    """Correlated coefficients of 9 levels, beside an intercept by 5 others; their covariance has `rank`."""
    rng = np.random.default_rng(seed)
    n = 120
    x = np.column_stack([np.ones(n), rng.standard_normal((n, size - 1))])
    first, second = rng.integers(0, 9, n), rng.integers(0, 5, n)
    effects = rng.standard_normal((9, rank)) @ rng.standard_normal((rank, size))
    y = (x * effects[first]).sum(axis=1) + 0.5 * rng.standard_normal(5)[second] + rng.standard_normal(n)
    columns = pd.DataFrame(x, columns=list("abc")[:size])
    layout = layout_of([RandomTerm("first", first, columns, True), RandomTerm("second", second, columns[["a"]])])
    w = np.hstack([layout.u, x])
    design = design_of(w, layout.z, layout.block, layout.blocks, layout.border, layout.correlated)
    return design, response_of(design, y[None], w, layout.z, layout.block)


def matrix_of(design: Design, phi: np.ndarray) -> np.ndarray:
    return phi[..., design.correlated[0]]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), rank=st.integers(0, 3))
def test_steps_stay_in_the_cone_and_axes_are_found_again(seed: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    design, _ = problem(1, 3)
    factor = rng.standard_normal((1, 3, rank))
    phi = np.zeros((1, len(design.is_variance)))
    phi[:, design.correlated[0]] = factor @ factor.mT
    at = from_phi(design, phi)
    np.testing.assert_allclose(to_phi(design, at), phi, atol=1e-10)
    assert on_boundary(design, at)[0, np.diag(design.correlated[0])].all() == (rank < 3)
    step = np.where(design.is_variance, rng.uniform(-1.0, 2.0) * at.d, 3.0 * rng.standard_normal(phi.shape))
    after = to_phi(design, at, step)
    assert np.linalg.eigvalsh(matrix_of(design, after))[0, 0] >= -1e-9 * np.abs(after).max()
    np.testing.assert_allclose(to_phi(design, moved(design, at, step)), after, atol=1e-9 * (1.0 + np.abs(after).max()))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_derivatives_are_those_in_the_coordinates(rank: int) -> None:
    design, response = problem(2, rank)
    factor = np.random.default_rng(3).standard_normal((3, rank))
    phi = np.full((1, len(design.is_variance)), 0.4)
    phi[:, design.correlated[0]] = factor @ factor.T
    at = from_phi(design, phi)
    at, found = in_coordinates(design, at, derivatives(design, evaluate(design, response, to_phi(design, at))))
    zero = np.zeros(len(phi[0]))
    free = ~without_effect(design, at)[0]

    def criterion(step: np.ndarray) -> float:
        return float(evaluate(design, response, to_phi(design, at, step)).criterion[0])

    def central(step: np.ndarray) -> np.ndarray:
        moves = 1e-5 * np.eye(len(step))[free & ((at.d[0] > 0.0) | ~design.is_variance)]
        return np.array([criterion(step + move) - criterion(step - move) for move in moves]) / 2e-5

    inside = free & ((at.d[0] > 0.0) | ~design.is_variance)
    np.testing.assert_allclose(
        found.gradient[0, free], approx_fprime(zero, criterion, 1e-7)[free], rtol=1e-3, atol=1e-4
    )
    hessian = np.array([(central(move) - central(-move)) / 2e-4 for move in 1e-4 * np.eye(len(zero))[inside]])
    np.testing.assert_allclose(found.hessian[0][np.ix_(inside, inside)], hessian, rtol=1e-3, atol=2e-2)
    slope = approx_fprime(zero, lambda step: to_phi(design, at, step)[0], 1e-8)
    np.testing.assert_allclose(jacobian(design, at)[0][:, free], slope[:, free], atol=1e-5)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), rank=st.integers(0, 3))
def test_the_minimum_fulfils_the_conditions_of_the_cone_and_no_other_method_finds_a_lower_one(seed, rank) -> None:
    design, response = problem(seed, rank)
    starts = np.array([[0.1], [1.0], [50.0]]) * design.is_variance
    found = minimise(design, response.take(np.zeros(3, dtype=int)), starts)
    assert found.certified.all()
    np.testing.assert_allclose(found.criterion, found.criterion[0], atol=1e-8)
    gradient = derivatives(design, evaluate(design, response, found.phi[:1])).gradient[0]
    index = design.correlated[0]
    pull = gradient[index] * (0.5 + 0.5 * np.eye(3))
    covariance = matrix_of(design, found.phi[0])
    assert np.linalg.eigvalsh(covariance)[0] >= -1e-12 * np.trace(covariance)
    assert np.linalg.eigvalsh(pull)[0] > -1e-3
    np.testing.assert_allclose(pull @ covariance, 0.0, atol=1e-3)
    rows, columns = np.tril_indices(3)

    def criterion(theta: np.ndarray) -> float:
        lower = np.zeros((3, 3))
        lower[rows, columns] = theta[:-1]
        phi = np.empty((1, len(gradient)))
        phi[0, index], phi[0, -1] = lower @ lower.T, theta[-1] ** 2
        return float(evaluate(design, response, phi).criterion[0])

    other = minimize(criterion, np.full(7, 0.5), method="L-BFGS-B")
    assert found.criterion[0] <= other.fun + 1e-7


def test_a_singular_covariance_has_zeros_that_are_exactly_zero() -> None:
    design, response = problem(5, 1)
    found = minimise(design, response, design.is_variance[None].astype(float))
    assert found.certified[0]
    own = found.at.d[0, np.diag(design.correlated[0])]
    assert own[0] > 0.0 and (own[1:] == 0.0).any()
