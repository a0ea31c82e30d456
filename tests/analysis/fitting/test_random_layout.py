"""Wherever coefficients stand, rows have their columns there and blocks share no row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from analysis.fitting import random_layout
from analysis.fitting.random_layout import Layout, layout_of
from analysis.fitting.random_terms import RandomTerm


def whole(layout: Layout) -> np.ndarray:
    """Z (n, J q + b) with the blocks beside each other, the border after them."""
    z = layout.z.toarray() if sparse.issparse(layout.z) else layout.z
    n, q = z.shape
    beside = np.zeros((n, 1 + layout.block.max(), q))
    beside[np.arange(n), layout.block] = z
    return np.hstack([beside.reshape(n, -1), layout.u])


def assert_stands(layout: Layout, terms: list[RandomTerm]) -> None:
    z, taken = whole(layout), []
    for term, codes, levels, position, transform in zip(
        terms, layout.codes, layout.levels, layout.position, layout.transform, strict=True
    ):
        assert levels[codes].tolist() == [str(level) for level in term.levels]
        indicators = np.eye(len(levels))[codes]
        expected = indicators[:, :, None] * (term.columns.to_numpy() @ transform)[:, None, :]
        np.testing.assert_allclose(z[:, position], expected, atol=1e-12)
        assert np.isclose((expected**2).sum(axis=(0, 1)), len(levels)).all()
        taken += position.ravel().tolist()
    assert len(taken) == len(set(taken))
    assert not np.delete(z, taken, axis=1).any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), nested=st.booleans(), n_terms=st.integers(1, 3), correlated=st.booleans())
def test_rows_have_their_columns_where_the_coefficients_stand(seed, nested, n_terms, correlated) -> None:
    rng = np.random.default_rng(seed)
    n = 80
    columns = pd.DataFrame(rng.standard_normal((n, 2)), columns=["a", "b"])
    levels, terms = rng.integers(0, rng.integers(2, 40), n), []
    for k in range(n_terms):
        terms.append(RandomTerm(f"g{k}", levels, columns.iloc[:, : 1 + k % 2], correlated))
        levels = levels * 3 + rng.integers(0, 3, n) if nested else rng.integers(0, rng.integers(2, 40), n)
    assert_stands(layout_of(terms), terms)


def test_one_factor_has_a_block_a_level_and_nested_ones_a_block_an_outer_level() -> None:
    outer = np.repeat(range(6), 10)
    one = pd.DataFrame({"one": np.ones(60)})
    by_outer, by_inner = RandomTerm("outer", outer, one), RandomTerm("inner", np.repeat(range(30), 2), one)
    assert whole(layout_of([by_outer])).shape == (60, 6)
    layout = layout_of([by_outer, by_inner])
    assert layout.border.n_columns == 0
    assert layout.z.shape[1] == 6 and layout.block.max() == 5


def test_uneven_blocks_are_put_together_and_a_small_crossed_factor_is_the_border() -> None:
    """A combination of 30 runs, 100 of one: alone in blocks of 31 columns each, these would be mostly zeros."""
    run = np.repeat(range(130), 3)
    combination, target = np.maximum(run - 29, 0), np.tile(range(3), 130)
    one = pd.DataFrame({"one": np.ones(len(run))})
    terms = [RandomTerm(name, levels, one) for name, levels in
             {"target": target, "run": run, "combination": combination}.items()]  # fmt: skip
    layout = layout_of(terms)
    assert_stands(layout, terms)
    assert layout.border.n_columns == 3
    assert (1 + layout.block.max()) * layout.z.shape[1] < 0.2 * 101 * 31


def test_many_columns_are_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_layout, "WORTH_A_BORDER", 0.0)
    rng = np.random.default_rng(1)
    columns = pd.DataFrame({"a": rng.standard_normal(500), "b": rng.standard_normal(500)})
    terms = [RandomTerm(name, rng.integers(0, 60, 500), columns) for name in ("first", "second")]
    layout = layout_of(terms)
    assert sparse.issparse(layout.z) and layout.z.shape[1] == 240
    assert_stands(layout, terms)
