from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from design.aliasing import main_effect_columns, prefix_aliasing
from design.bounds import balance_bound, efficiency_bound, size_bound
from design.candidates import Candidates, Factor
from design.information import model_columns
from tests.design.spaces import factorial, paper_candidates

PAPER = paper_candidates()


def test_the_bound_of_a_factorial_is_the_factorial_and_of_corners_less():
    space = factorial(3, 2, 2)
    np.testing.assert_allclose(efficiency_bound(space, range(5)), 1, atol=1e-5)
    cut = Candidates(space.factors, space.codes[space.codes.sum(axis=1) <= 2])
    bound = efficiency_bound(cut, range(5))
    assert bound < 0.9
    columns = model_columns(cut.factors, cut.codes)
    best = max(
        np.linalg.slogdet(columns.T @ (columns * weights[:, None]))[1]
        for weights in np.random.default_rng(0).dirichlet(np.full(len(cut), 20.0), 4000)
    )
    assert np.exp(best / 5) <= bound


def test_the_bound_holds_where_more_than_a_full_factorial_is_possible():
    """A parabola over five levels is told best by the ends and the middle, three levels of four by the three alone."""
    five = (Factor("strategy", ("MSS-CR",)), Factor("factor.width", (1, 2, 3, 4, 5)), Factor("n_sources", (2,)))
    ends_and_middle = np.array([[0, 0, 0], [0, 2, 0], [0, 4, 0]], dtype=np.uint8)
    best = np.linalg.det(model_columns(five, ends_and_middle)) ** 2 / 27
    candidates = Candidates(five, np.array([[0, k, 0] for k in range(5)], dtype=np.uint8))
    assert best > 1
    np.testing.assert_allclose(efficiency_bound(candidates, range(3)), best ** (1 / 3), rtol=1e-4)

    space = factorial(4, 2)
    cut = Candidates(space.factors, space.codes[space.codes[:, 0] < 3])
    kept = [0, 1, 2, 4]  # the last column of four levels is constant on three
    columns = model_columns(cut.factors, cut.codes)[:, kept]
    full = np.linalg.det(columns.T @ columns / len(cut)) ** 0.25
    assert full > 1
    np.testing.assert_allclose(efficiency_bound(cut, kept), full, rtol=1e-4)


@pytest.mark.parametrize("space", [PAPER, factorial(3, 2, 4), factorial(2, 2, 2, 2)], ids=["paper", "3x2x4", "2^4"])
def test_factor_by_factor_the_bound_is_no_lower(space: Candidates, monkeypatch: pytest.MonkeyPatch):
    terms = range(model_columns(space.factors, space.codes[:1]).shape[1])
    together = efficiency_bound(space, terms)
    monkeypatch.setattr("design.bounds.CHUNK", 1)
    np.testing.assert_allclose(efficiency_bound(space, terms), together, rtol=1e-4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(seed=st.integers(0, 2**32), n_runs=st.integers(1, 60), space=st.sampled_from(["paper", "mixed", "numbers"]))
def test_no_design_is_below_its_bounds(seed: int, n_runs: int, space: str):
    numbers = (
        Factor("strategy", ("MSS-CR", "MS-CR@2")),
        Factor("factor.width", (0.5, 1.0, 2.0)),
        Factor("n_sources", (2, 3)),
    )
    candidates = {
        "paper": PAPER,
        "mixed": factorial(3, 2, 4, 2, 5),
        "numbers": Candidates(numbers, np.indices((2, 3, 2), dtype=np.uint8).reshape(3, -1).T),
    }[space]
    codes = candidates.codes[np.random.default_rng(seed).choice(len(candidates), min(n_runs, len(candidates)), False)]
    columns, owners, _ = main_effect_columns(candidates.factors, codes)
    found = prefix_aliasing(columns, owners)
    assert (size_bound(columns, owners) <= found + 1e-9).all()
    if space == "paper":
        assert (balance_bound(candidates.factors, codes, columns, owners) <= found + 1e-9).all()


@pytest.mark.parametrize(("n_columns", "n_runs"), [(2, 2), (6, 4), (7, 4), (10, 6), (9, 12)])
def test_two_level_columns_have_welchs_bound(n_columns: int, n_runs: int):
    codes = np.random.default_rng(0).integers(0, 2, (n_runs, n_columns))
    codes[0], codes[1] = 0, 1
    found = size_bound(codes.astype(float), np.arange(n_columns))[-1]
    dimensions = n_runs - 1
    np.testing.assert_allclose(found**2, max(0, (n_columns - dimensions) / (dimensions * (n_columns - 1))))


def test_the_bound_of_a_size_is_reached():
    """All ten ways to put half of six runs in a group of the first: any two columns correlate by a third."""
    halves = np.array([[k in half for k in range(6)] for half in itertools.combinations(range(6), 3) if 0 in half]).T
    columns, owners = halves.astype(float), np.arange(10)
    np.testing.assert_allclose(size_bound(columns, owners)[-1], 1 / 3)
    np.testing.assert_allclose(prefix_aliasing(columns, owners)[-1], 1 / 3)


def test_pairs_within_a_factor_are_no_aliasing_and_make_no_bound():
    columns = np.tile(np.eye(5), (2, 1))
    assert (size_bound(columns, np.zeros(5, dtype=int)) == 0).all()
    both = np.column_stack([columns, columns[:, [0]]])
    assert prefix_aliasing(both, np.array([0] * 5 + [1]))[-1] == pytest.approx(1)


@pytest.mark.parametrize(("n_runs", "expected"), [(4, 0.0), (6, 1 / 3), (7, 1 / 6), (10, 1 / 5), (12, 0.0)])
def test_evenly_used_two_level_columns_cannot_be_free_of_aliasing_unless_four_divides(n_runs: int, expected: float):
    """By trying all ways to fill two columns as evenly as can be."""
    half = n_runs // 2
    columns = [np.isin(np.arange(n_runs), chosen) * 1.0 for chosen in itertools.combinations(range(n_runs), half)]
    least = min(abs(np.corrcoef(columns[0], other)[0, 1]) for other in columns[1:])
    pair = np.column_stack([columns[0], columns[1]])
    factors = (Factor("factor.a", ("no", "yes")), Factor("factor.b", ("no", "yes")), Factor("n_sources", (1,)))
    codes = np.column_stack([pair, np.zeros(n_runs)]).astype(np.uint8)
    np.testing.assert_allclose(least, expected, atol=1e-12)
    np.testing.assert_allclose(balance_bound(factors, codes, pair, np.arange(2))[-1], expected, atol=1e-12)


def test_an_even_number_of_sources_makes_them_correlated():
    """n = 2 to 7 in equal shares: variance 35/12, of which the sources' own 8 x 63/256 leave 0.069 a pair."""
    codes = np.concatenate([PAPER.codes[PAPER.codes[:, -1] == k].repeat(840 // n, axis=0)
                            for k, n in enumerate((28, 56, 70, 56, 28, 8))])  # fmt: skip
    columns, owners, _ = main_effect_columns(PAPER.factors, codes)
    expected = (35 / 12 - 8 * 63 / 256) / (56 * 63 / 256)
    np.testing.assert_allclose(balance_bound(PAPER.factors, codes, columns, owners)[-1], expected)
    np.testing.assert_allclose(prefix_aliasing(columns, owners)[-1], expected)
