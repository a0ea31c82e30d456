"""Gaussian mixture on a scalar: which of `factors` overlapping ranges a value belongs to (paper 2.3)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from jobs.labels.tables import ScalarTable
from study.core.errors import Fault, raise_all

MAX_ITERATIONS = 1000
LEAST_VARIANCE = 1e-6
"""Smallest variance of a component as a fraction of the training values' variance: the floor for values without a
visible resolution.
"""


@dataclass(frozen=True)
class GmmModel:
    """`share`, `mean` and `variance` of the components, (factors,) each, by increasing mean, in the values' units."""

    share: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def fit_gmm(table: ScalarTable, training: np.ndarray, factors: int, rng: np.random.Generator) -> GmmModel:
    """Fit by expectation maximisation (scikit-learn's, from k-means) to the tracks where `training` is true.

    The values' resolution squared is added to every component's variance. Without it components shrink onto single
    values (of whole years, say) and the distributions become one-hot; with it, neighbouring values share components.
    Raises InputFaults if there are fewer than `factors` distinct training values.
    """
    raise_all(gmm_faults(table, training, factors))
    values = np.sort(table.values[training])  # so that the seeded start does not depend on their order
    centre, scale = values.mean(), values.std()
    resolution = _resolution(table, training, factors) / scale
    mixture = GaussianMixture(
        factors,
        reg_covar=max(resolution**2, LEAST_VARIANCE),
        max_iter=MAX_ITERATIONS,
        random_state=int(rng.integers(2**32)),
    )
    # k-means sums in the order in which its threads end; one thread keeps the bits and suffices for scalars.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after MAX_ITERATIONS the likelihood is flat enough
        mixture.fit(((values - centre) / scale)[:, None])
    order = np.argsort(mixture.means_[:, 0], kind="stable")
    return GmmModel(
        share=mixture.weights_[order],
        mean=mixture.means_[order, 0] * scale + centre,
        variance=mixture.covariances_[order, 0, 0] * scale**2,
    )


def gives_each_value_its_own(table: ScalarTable, training: np.ndarray, factors: int) -> bool:
    """Whether every distinct training value can have its own component, and no resolution is given."""
    return table.resolution is None and factors >= len(np.unique(table.values[training]))


def _resolution(table: ScalarTable, training: np.ndarray, factors: int) -> float:
    """The given resolution, else the smallest gap between two distinct training values, or a quarter of it if each
    value can have its own component, which a whole gap would blur into its neighbours'.
    """
    if table.resolution is not None:
        return table.resolution
    smallest_gap = float(np.diff(np.unique(table.values[training])).min())
    return smallest_gap / 4 if gives_each_value_its_own(table, training, factors) else smallest_gap


def gmm_faults(table: ScalarTable, training: np.ndarray, factors: int) -> Iterator[Fault]:
    """Why `factors` components cannot be fitted to the training tracks, if they cannot."""
    n_distinct = len(np.unique(table.values[training]))
    if factors > n_distinct:
        expected = f"expected at most {n_distinct}, the number of distinct values of training tracks"
        yield Fault(table.file, "factors", factors, expected)


def posterior(model: GmmModel, table: ScalarTable) -> np.ndarray:
    """P(component | value) of every track of the table, (n_tracks, factors)."""
    distance = (table.values[:, None] - model.mean) ** 2 / model.variance
    return softmax(np.log(model.share) - 0.5 * (np.log(model.variance) + distance), axis=1)
