"""The label models by their name in a source's `labels`: ours, and those that installed packages add.

`self` has none: its pairs are made during learning. A package adds its own by an entry point of the group
`study.sources` that names a `LabelModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jobs.labels.gmm import fit_gmm, gives_each_value_its_own, gmm_faults, posterior
from jobs.labels.levels import (
    fit_classes,
    fit_ordinal,
    level_distribution,
    level_faults,
    number_of_levels,
    read_classes,
    read_ordinal,
)
from jobs.labels.number import fit_number, number_faults, standardised
from jobs.labels.plsa import fit_plsa, fold_in, plsa_faults
from jobs.labels.tables import read_scalars, read_terms
from jobs.labels.tags import fit_tags, has_tags, tag_faults
from study.core.errors import Fault
from study.core.extensions import SOURCES, load_extension
from study.core.sections import Source


@dataclass(frozen=True)
class LabelModel:
    """`read(source)` -> table with `track_ids` and `select(track_ids)`;

    `faults(table, training, factors)` -> why the fit is impossible, if it is;
    `fit(table, training (n_tracks,) bool, factors, rng)` -> model, from the training tracks alone;
    `distribution(model, table)` -> (n_tracks, factors), each row from its own track and the model alone: it sums to 1,
    or consists of 0 and at least one 1 (tags), or of any numbers, or of NaN if the track has no label under the model;
    `factors(source, table, training)` -> their number, from the table if the study file does not state it;
    `revised(table, training, factors)`: whether these labels differ from those of the model's first version.
    """

    read: Callable[[Source], Any]
    faults: Callable[[Any, np.ndarray, int], Iterable[Fault]]
    fit: Callable[[Any, np.ndarray, int, np.random.Generator], Any]
    distribution: Callable[[Any, Any], np.ndarray]
    factors: Callable[[Source, Any, np.ndarray], int] = lambda source, table, training: source.factors
    revised: Callable[[Any, np.ndarray, int], bool] = lambda table, training, factors: False


LABEL_MODELS: dict[str, LabelModel] = {
    "plsa": LabelModel(lambda source: read_terms(source.table, source.tf_idf), plsa_faults, fit_plsa, fold_in),
    "tags": LabelModel(lambda source: read_terms(source.table), tag_faults, fit_tags, has_tags),
    "gmm": LabelModel(
        lambda source: read_scalars(source.table, source.resolution),
        gmm_faults,
        fit_gmm,
        posterior,
        revised=gives_each_value_its_own,
    ),
    "number": LabelModel(
        lambda source: read_scalars(source.table),
        number_faults,
        fit_number,
        standardised,
        lambda source, table, training: 1,
    ),
    "classes": LabelModel(
        lambda source: read_classes(source.table), level_faults, fit_classes, level_distribution, number_of_levels
    ),
    "ordinal": LabelModel(
        lambda source: read_ordinal(source.table, source.order),
        level_faults,
        fit_ordinal,
        level_distribution,
        number_of_levels,
    ),
}


def label_model(labels: str) -> LabelModel:
    """The label model of this name. Raises InputFaults if there is none, or it cannot be loaded."""
    return LABEL_MODELS.get(labels) or load_extension(SOURCES, labels, LabelModel)
