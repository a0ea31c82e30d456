"""The criterion and its derivatives beside the whole covariance matrix, and beside finite differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from analysis.fitting import random_layout
from analysis.fitting.cross_products import Design, Response, design_of, response_of
from analysis.fitting.random_layout import Layout, layout_of
from analysis.fitting.random_terms import RandomTerm
from analysis.fitting.restricted_likelihood import by_parameter, derivatives, evaluate

KINDS = ("by group", "correlated", "crossed", "border", "correlated border", "nested")


@dataclass(frozen=True)
class Problem:
    y: np.ndarray
    x: np.ndarray
    terms: list[RandomTerm]
    layout: Layout
    design: Design
    response: Response
    phi: np.ndarray

    def whole_covariance(self, phi: np.ndarray) -> np.ndarray:
        """V (n, n) over the residual variance, from the rows."""
        v = np.eye(len(self.y))
        for term, index, transform in zip(self.terms, self.layout.parameters, self.layout.transform, strict=True):
            z, same = term.columns.to_numpy() @ transform, term.levels[:, None] == term.levels
            v += same * (z @ np.where(index >= 0, phi[index], 0.0) @ z.T)
        return v


def problem(kind: str, reml: bool, monkeypatch: pytest.MonkeyPatch) -> Problem:
    monkeypatch.setattr(random_layout, "WORTH_A_BORDER", 9.0 if "border" in kind else 0.0)
    rng = np.random.default_rng(KINDS.index(kind))
    n = 60
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 2))])
    few, many = rng.integers(0, 4, n), rng.integers(0, 12, n)
    columns = pd.DataFrame(x[:, :2] * (1.0, 1.7), columns=["one", "slope"])
    by_few = RandomTerm("few", few, columns, "correlated" in kind)
    others = {"nested": few * 3 + rng.integers(0, 3, n), "crossed": many, "border": many, "correlated border": many}
    terms = [
        by_few,
        *(RandomTerm("other", others[name], columns, "correlated" in kind) for name in others if name == kind),
    ]
    layout = layout_of(terms)
    assert (layout.border.n_columns > 0) == ("border" in kind)
    assert len(layout.blocks.pairs) == 0 or "correlated" in kind
    w = np.hstack([layout.u, x])
    design = design_of(w, layout.z, layout.block, layout.blocks, layout.border, layout.correlated, reml)
    y = rng.standard_normal(n)
    phi = np.where(design.is_variance, rng.uniform(0.3, 1.2, len(design.is_variance)), rng.uniform(-0.2, 0.2))
    return Problem(y, x, terms, layout, design, response_of(design, y[None], w, layout.z, layout.block), phi)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_criterion_is_that_of_the_whole_covariance_matrix(kind: str, reml: bool, monkeypatch) -> None:
    p = problem(kind, reml, monkeypatch)
    v, n_fixed = p.whole_covariance(p.phi), p.x.shape[1]
    inverse = np.linalg.inv(v)
    information = p.x.T @ inverse @ p.x
    beta = np.linalg.solve(information, p.x.T @ inverse @ p.y)
    rest = p.y - p.x @ beta
    df = len(p.y) - n_fixed * reml
    expected = np.linalg.slogdet(v)[1] + df * (1 + np.log(2 * np.pi * rest @ inverse @ rest / df))
    expected += np.linalg.slogdet(information)[1] * reml
    at = evaluate(p.design, p.response, p.phi[None])
    assert at.criterion[0] == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(at.beta[0], beta, atol=1e-10)
    np.testing.assert_allclose(at.m[0], np.linalg.inv(information), atol=1e-10)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_are_those_of_the_criterion(kind: str, reml: bool, monkeypatch) -> None:
    p = problem(kind, reml, monkeypatch)

    def at(phi: np.ndarray):
        return evaluate(p.design, p.response, phi[None])

    here = at(p.phi)
    found = derivatives(p.design, here)
    gradient = approx_fprime(p.phi, lambda phi: at(phi).criterion[0], 1e-7)
    hessian = approx_fprime(p.phi, lambda phi: derivatives(p.design, at(phi)).gradient[0], 1e-7)
    score = -approx_fprime(p.phi, lambda phi: at(phi).r2[0], 1e-7)
    np.testing.assert_allclose(found.gradient[0], gradient, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(found.hessian[0], hessian, rtol=1e-4, atol=2e-4)
    np.testing.assert_allclose(found.score[0], score, rtol=1e-4, atol=1e-4)
    slope = approx_fprime(p.phi, lambda phi: at(phi).m[0].ravel(), 1e-7)
    of_m = here.m[0] @ by_parameter(p.design, here)[0] @ here.m[0]
    np.testing.assert_allclose(of_m.reshape(len(p.phi), -1).T, slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["by group", "correlated border"])
def test_information_is_the_expected_hessian(kind: str, monkeypatch) -> None:
    p = problem(kind, True, monkeypatch)
    rng, n_draws = np.random.default_rng(4), 2000
    root = np.linalg.cholesky(p.whole_covariance(p.phi))
    w = np.hstack([p.layout.u, p.x])
    draws = rng.standard_normal((n_draws, len(p.y))) @ root.T
    stacked = response_of(p.design, draws, w, p.layout.z, p.layout.block)
    found = derivatives(p.design, evaluate(p.design, stacked, np.tile(p.phi, (n_draws, 1))))
    tolerance = 5 * found.hessian.std(axis=0) / np.sqrt(n_draws)
    # profiling sigma^2 out costs a term of order 1 / v
    apart = np.abs(found.hessian.mean(axis=0) - found.information[0])
    assert (apart < tolerance + 0.1 * found.information[0].max()).all()


@pytest.mark.parametrize("kind", ["by group", "correlated border"])
def test_many_responses_at_once_are_as_one_at_a_time(kind: str, monkeypatch) -> None:
    p = problem(kind, True, monkeypatch)
    first = p.response
    second = Response(*(3.0 * array + 1.0 for array in first.arrays))
    both = Response(*map(np.concatenate, zip(first.arrays, second.arrays, strict=True)))
    phi = np.array([p.phi, np.where(p.design.is_variance, 2.0 * p.phi, 0.0)])
    together = evaluate(p.design, both, phi)
    slopes = derivatives(p.design, together)
    for row, alone in enumerate((first, second)):
        one = evaluate(p.design, alone, phi[row : row + 1])
        assert one.criterion[0] == pytest.approx(together.criterion[row], abs=1e-11)
        np.testing.assert_allclose(derivatives(p.design, one).hessian[0], slopes.hessian[row], rtol=1e-9)
