"""One number per track, itself the label: standardised over the training tracks, to be learned by squared error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jobs.labels.tables import ScalarTable
from study.core.errors import Fault, raise_all


@dataclass(frozen=True)
class NumberModel:
    """Mean and standard deviation of the training tracks' values, in their unit."""

    mean: float
    deviation: float


def fit_number(table: ScalarTable, training: np.ndarray, factors: int, rng: np.random.Generator) -> NumberModel:
    """Fit to the tracks where `training` (n_tracks,) is true. Nothing is drawn from `rng`.

    Raises InputFaults if they all have one value, or `factors` is not 1.
    """
    raise_all(number_faults(table, training, factors))
    values = np.sort(table.values[training])  # so that rounding does not depend on their order
    return NumberModel(float(values.mean()), float(values.std()))


def number_faults(table: ScalarTable, training: np.ndarray, factors: int) -> Iterator[Fault]:
    """Why the training tracks' numbers cannot be learned."""
    if factors != 1:
        yield Fault(table.file, "factors", factors, "expected 1, the number of values of a track")
    elif np.ptp(table.values[training]) == 0:
        yield Fault(
            table.file, "value", table.values[training][0], "training tracks have no other; expected two or more"
        )


def standardised(model: NumberModel, table: ScalarTable) -> np.ndarray:
    """(n_tracks, 1): how many standard deviations each track's value is above the mean."""
    return ((table.values - model.mean) / model.deviation)[:, None]
