from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from analysis.cross_products import Design, Response, design_of, response_of
from analysis.restricted_likelihood import derivatives, evaluate
from analysis.ties import Ties


def random_problem(seed: int, crossed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = 40
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 2))])
    if crossed:
        levels = rng.integers(0, 2, (n, 3))
        z = np.hstack([np.eye(2)[levels[:, k]] for k in range(3)])
        tie, group = np.repeat(np.eye(3), 2, axis=0), np.zeros(n, dtype=int)
    else:
        z, tie, group = x[:, :2] * rng.uniform(0.5, 2), np.eye(2), rng.integers(0, 5, n)
    return rng.standard_normal(n), x, z, group, tie


def batch(seed: int, crossed: bool) -> tuple[Design, Response]:
    y, x, z, group, tie = random_problem(seed, crossed)
    return design_of(x, z, group, Ties(tie)), response_of(y, x, z, group)


@pytest.mark.parametrize("crossed", [False, True])
def test_criterion_is_minus_two_log_restricted_likelihood_of_the_whole_covariance(crossed: bool) -> None:
    y, x, z, group, tie = random_problem(1, crossed)
    phi = np.array([0.7, 0.2, 1.3])[: tie.shape[1]]
    same = group[:, None] == group
    v = np.eye(len(y)) + same * (z * (tie @ phi) @ z.T)
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ y)
    rest = y - x @ beta
    sigma2 = rest @ inverse @ rest / (len(y) - x.shape[1])
    expected = (
        np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
        + (len(y) - x.shape[1]) * (1 + np.log(2 * np.pi * sigma2))
    )  # fmt: skip
    at = evaluate(design_of(x, z, group, Ties(tie)), response_of(y, x, z, group), phi[None])
    assert at.criterion[0] == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(at.beta[0], beta, atol=1e-10)


@pytest.mark.parametrize("crossed", [False, True])
def test_gradient_and_hessian_are_those_of_the_criterion(crossed: bool) -> None:
    design, response = batch(2, crossed)
    phi = np.array([0.4, 0.9, 0.1])[: design.blocks.tie.shape[1]]

    def criterion(at: np.ndarray) -> float:
        return float(evaluate(design, response, at[None]).criterion[0])

    def gradient(at: np.ndarray) -> np.ndarray:
        return derivatives(design, evaluate(design, response, at[None])).gradient[0]

    found = derivatives(design, evaluate(design, response, phi[None]))
    np.testing.assert_allclose(found.gradient[0], approx_fprime(phi, criterion, 1e-7), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.hessian[0], approx_fprime(phi, gradient, 1e-7), rtol=1e-4, atol=1e-4)


def test_information_is_the_expected_hessian() -> None:
    y, x, z, group, tie = random_problem(3, crossed=False)
    rng, phi = np.random.default_rng(4), np.array([0.5, 0.3])
    design = design_of(x, z, group, Ties(tie))
    effects = np.sqrt(phi) * rng.standard_normal((4000, group.max() + 1, 2))
    ys = np.einsum("nq,rnq->rn", z, effects[:, group]) + rng.standard_normal((4000, len(y)))
    responses = [response_of(one, x, z, group) for one in ys]
    stacked = Response(*(np.concatenate([getattr(one, name) for one in responses]) for name in ("zy", "wy", "yy")))
    found = derivatives(design, evaluate(design, stacked, np.tile(phi, (4000, 1))))
    tolerance = 5 * found.hessian.std(axis=0) / np.sqrt(4000)
    # profiling sigma^2 out costs a term of order 1 / v
    assert (
        np.abs(found.hessian.mean(axis=0) - found.information[0]) < tolerance + 0.1 * found.information[0].max()
    ).all()


def test_many_responses_at_once_are_as_one_at_a_time() -> None:
    design, first = batch(5, crossed=False)
    second = Response(first.zy * 2 + 1, first.wy - 3, first.yy * 9 + 100)
    both = Response(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in ("zy", "wy", "yy")))
    phi = np.array([[0.5, 0.1], [0.0, 2.0]])
    together = evaluate(design, both, phi)
    for row, alone in enumerate((first, second)):
        assert evaluate(design, alone, phi[row : row + 1]).criterion[0] == pytest.approx(
            together.criterion[row], abs=1e-11
        )
