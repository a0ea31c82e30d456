"""The label models by the name that `labels` of a source gives; `self` has none, learning makes its pairs."""

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
from jobs.labels.plsa import fit_plsa, fold_in, plsa_faults
from jobs.labels.tables import read_scalars, read_terms
from jobs.labels.tags import fit_tags, has_tags, tag_faults
from study.core.errors import Fault
from study.core.study_file import Source


@dataclass(frozen=True)
class LabelModel:
    """`read(source)` -> table, which has `track_ids` and `select(track_ids)`;

    `faults(table, training, factors)` -> why the fit that follows cannot be made, if it cannot;
    `fit(table, training (n_tracks,) bool, factors, rng)` -> model, from the training tracks alone;
    `distribution(model, table)` -> (n_tracks, factors), each row from its own track and the model alone: it sums to 1,
    or is of 0 and 1 with a 1 at least (tags), or of NaN where the track has no labels after all;
    `factors(source, table, training)` -> how many there are, from the table where the study file does not say;
    `revised(table, training, factors)`: whether these labels are other ones than the first version of the model made.
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
