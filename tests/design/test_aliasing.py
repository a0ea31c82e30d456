import numpy as np
import pytest

from design.aliasing import alias_matrix, canonical_correlations, main_effect_columns, prefix_aliasing
from design.candidates import Factor
from tests.design.spaces import factorial, paper_candidates


def test_prefixes_are_as_a_correlation_of_each_would_be():
    candidates = paper_candidates()
    codes = candidates.codes[np.random.default_rng(0).choice(1230, 50, replace=False)]
    columns, owners, names = main_effect_columns(candidates.factors, codes)
    assert len(names) == 13
    assert owners.tolist() == [0] * 5 + list(range(1, 9))
    found = prefix_aliasing(columns, owners)
    for size in (25, 50):
        expected = np.corrcoef(columns[:size].T)
        expected[:5, :5] = 0
        np.fill_diagonal(expected, 0)
        np.testing.assert_allclose(found[size - 1], np.abs(expected).max())


def test_a_constant_column_counts_nothing_and_equal_ones_all():
    columns = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    np.testing.assert_allclose(prefix_aliasing(columns[:, :2], np.array([0, 1])), 0)
    np.testing.assert_allclose(prefix_aliasing(columns[:, [0, 2]], np.array([0, 1])), [0, 1, 1])


@pytest.mark.parametrize("n_levels", [(2, 2, 2, 2), (3, 2, 2)])
def test_full_factorials_have_no_aliasing(n_levels):
    candidates = factorial(*n_levels)
    columns, owners, _ = main_effect_columns(candidates.factors, candidates.codes)
    np.testing.assert_allclose(prefix_aliasing(columns, owners)[-1], 0, atol=1e-12)
    _, matrix = canonical_correlations(candidates.factors, candidates.codes)
    np.testing.assert_allclose(matrix, np.eye(len(n_levels)), atol=1e-12)


def test_canonical_correlations_of_two_levels_are_correlations_and_of_the_sources_with_their_number_the_notes():
    """With n uniform over 2 to 7, its correlation with a source is sd(n) / sum of sd(s) = 0.43 where all are alike."""
    candidates = paper_candidates()
    rng = np.random.default_rng(0)
    by_size = [rng.choice(np.flatnonzero(candidates.codes[:, -1] == k), 4000) for k in range(6)]
    names, matrix = canonical_correlations(candidates.factors, candidates.codes[np.concatenate(by_size)])
    correlation = np.corrcoef(candidates.codes[np.concatenate(by_size), 1:9].T)
    np.testing.assert_allclose(matrix[1:9, 1:9], np.abs(correlation), atol=1e-12)
    assert names[-1] == "n_sources"
    np.testing.assert_allclose(matrix[-1, 1:9], 0.43, atol=0.03)


def test_the_alias_matrix_of_a_half_fraction():
    """2^(3-1) with c = ab: the estimate of c holds the whole interaction of a and b (Goos & Jones 2011, 2.3.7)."""
    factors = tuple(Factor(f"source.{name}", (False, True)) for name in "abc")
    half = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]], dtype=np.uint8)
    signs = 2.0 * half - 1
    matrix = alias_matrix(factors, half, signs[:, [0]] * signs[:, [1]])
    np.testing.assert_allclose(matrix[:, 0], [0, 0, 0, 1], atol=1e-12)
