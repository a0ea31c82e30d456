"""Tags: which of the most frequent terms a track has, as 0 or 1 each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jobs.labels.tables import TermTable
from study.core.errors import Fault, raise_all


@dataclass(frozen=True)
class TagModel:
    """The terms that are learned, the most frequent first."""

    terms: tuple[str, ...]


def fit_tags(table: TermTable, training: np.ndarray, factors: int, rng: np.random.Generator) -> TagModel:
    """The `factors` most frequent terms among tracks where `training` (n_tracks,) is true; ties by name.

    Nothing is drawn from `rng`. Raises InputFaults if the training tracks have fewer terms.
    """
    raise_all(tag_faults(table, training, factors))
    counts = _tracks_with_term(table, training)
    order = sorted(range(len(table.terms)), key=lambda column: (-counts[column], table.terms[column]))
    return TagModel(tuple(table.terms[column] for column in order[:factors]))


def tag_faults(table: TermTable, training: np.ndarray, factors: int) -> Iterator[Fault]:
    """Why there are fewer than `factors` terms to learn, if there are."""
    count = int((_tracks_with_term(table, training) > 0).sum())
    if factors > count:
        expected = f"expected at most {count}, the number of terms of training tracks"
        yield Fault(table.file, "factors", factors, expected)


def has_tags(model: TagModel, table: TermTable) -> np.ndarray:
    """1 if a track has a term, else 0: (n_tracks, n_terms). Rows without any term are NaN: no label."""
    position_of = {term: position for position, term in enumerate(model.terms)}
    tags = np.zeros((len(table.track_ids), len(model.terms)))
    for column, term in enumerate(table.terms):
        if term in position_of:
            tags[:, position_of[term]] = table.weights[:, [column]].toarray()[:, 0] > 0
    tags[~tags.any(axis=1)] = np.nan
    return tags


def _tracks_with_term(table: TermTable, training: np.ndarray) -> np.ndarray:
    return np.bincount(table.weights[training].indices, minlength=len(table.terms))
