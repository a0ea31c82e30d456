from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from jobs.labels.gmm import fit_gmm, posterior
from jobs.labels.tables import ScalarTable
from study.core.errors import InputFaults
from study.core.sections import Source
from study.testing.label_model import LabelModelContract


def table_of(values) -> ScalarTable:
    return ScalarTable("year.csv", tuple(f"t{row}" for row in range(len(values))), np.asarray(values, dtype=float))


def fitted(table: ScalarTable, factors: int, seed: int = 0):
    return fit_gmm(table, np.ones(len(table.values), dtype=bool), factors, np.random.default_rng(seed))


class TestGmm(LabelModelContract):
    def source(self, folder: Path) -> Source:
        years = np.random.default_rng(0).choice([1968, 1969, 1975, 1976, 1990, 1991, 1992, 2004], size=80)
        pd.DataFrame({"track_id": [f"t{row}" for row in range(80)], "value": years}).to_csv(
            folder / "year.csv", index=False
        )
        return Source(labels="gmm", table=folder / "year.csv", factors=4)


def test_planted_components_come_back():
    rng = np.random.default_rng(1)
    component = rng.choice(3, size=3000, p=[0.5, 0.3, 0.2])
    values = rng.normal(np.array([60.0, 100.0, 150.0])[component], np.array([4.0, 6.0, 5.0])[component])
    table = table_of(values)
    model = fitted(table, 3)
    np.testing.assert_allclose(model.mean, [60, 100, 150], atol=1)
    np.testing.assert_allclose(np.sqrt(model.variance), [4, 6, 5], atol=0.5)
    np.testing.assert_allclose(model.share, [0.5, 0.3, 0.2], atol=0.03)
    assert (posterior(model, table).argmax(axis=1) == component).mean() > 0.99


def test_the_posterior_is_that_of_scikit_learn():
    table = table_of(np.random.default_rng(2).normal(50, 9, size=200).round(1))
    model = fitted(table, 3)
    theirs = GaussianMixture(3, covariance_type="diag")
    theirs.weights_, theirs.means_, theirs.covariances_ = model.share, model.mean[:, None], model.variance[:, None]
    theirs.precisions_cholesky_ = 1 / np.sqrt(theirs.covariances_)
    np.testing.assert_allclose(posterior(model, table), theirs.predict_proba(table.values[:, None]), atol=1e-10)


@pytest.mark.parametrize("resolution", [1.0, 0.01, 10.0])
def test_components_are_never_narrower_than_the_resolution(resolution):
    values = resolution * np.random.default_rng(0).integers(196, 203, size=2000)
    table = table_of(values)
    model = fitted(table, 6)
    assert (model.variance >= resolution**2 * (1 - 1e-9)).all()
    labels = posterior(model, table)
    assert labels.max(axis=1).mean() < 0.9  # not one-hot, as they are without the floor


def test_a_quarter_of_the_gap_where_each_value_can_have_a_component() -> None:
    table = table_of(np.random.default_rng(0).integers(196, 202, size=2000))
    model = fitted(table, 6)
    np.testing.assert_allclose(model.mean, np.arange(196, 202), atol=0.01)
    np.testing.assert_allclose(np.sqrt(model.variance), 0.25, atol=0.01)
    assert (posterior(model, table).max(axis=1) > 0.99).all()


@pytest.mark.parametrize(("given", "at_most"), [(0.1, 0.2), (1.0, 2.0), (2.0, np.inf)])
def test_a_resolution_that_is_given_is_the_floor(given: float, at_most: float) -> None:
    values = np.random.default_rng(0).integers(196, 202, size=2000)
    deviation = np.sqrt(fitted(replace(table_of(values), resolution=given), 6).variance)
    assert (deviation >= given * (1 - 1e-9)).all() and deviation.min() < at_most


def test_values_without_a_visible_resolution_have_a_floor_too():
    values = np.concatenate((np.full(50, 3.0), np.random.default_rng(0).normal(10, 1, size=50)))
    assert fitted(table_of(values), 4).variance.min() > 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=12, max_size=60), st.integers(-8, 8))
def test_the_unit_of_values_does_not_matter(values, exponent):
    values = np.array([*values, -5, 0, 7])  # three distinct ones at least
    first, scaled = table_of(values), table_of(values * 2.0**exponent)  # a power of two: exact
    ours, theirs = posterior(fitted(scaled, 3), scaled), posterior(fitted(first, 3), first)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_components_stand_in_order_of_their_means():
    model = fitted(table_of(np.random.default_rng(0).normal(size=300)), 8)
    assert (np.diff(model.mean) >= 0).all()


def test_fewer_distinct_training_values_than_components_are_a_fault():
    table = table_of([1960, 1960, 1970, 1970, 1980, 1990])
    training = np.array([True, True, True, True, True, False])
    with pytest.raises(InputFaults, match="factors = 4: expected at most 3, the number of distinct values"):
        fit_gmm(table, training, 4, np.random.default_rng(0))
    assert fit_gmm(table, training, 3, np.random.default_rng(0)).mean.shape == (3,)


def test_a_far_value_belongs_to_the_nearest_component():
    model = fitted(table_of(np.random.default_rng(0).normal(size=300)), 3)
    far = posterior(model, table_of([-1e6, 1e6]))
    np.testing.assert_allclose(far.sum(axis=1), 1)
    assert np.isfinite(far).all()
