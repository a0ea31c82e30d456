"""Probabilistic latent semantic analysis (Hofmann 1999): tracks are mixtures of topics, topics are mixtures of terms.

P(term | track) = sum over topics of P(term | topic) P(topic | track), fitted to the table by expectation maximisation
with alternating updates: first the topics of the tracks, then the terms of the topics, each with fresh expectations, so
that the likelihood never falls. Work and memory grow with the non-zeros of the table, taken `BLOCK` at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from jobs.labels.tables import TermTable
from study.core.errors import Fault, raise_all

BLOCK = 1 << 11
"""Non-zeros per block. Their rows of 50 topics fit into a core's cache, which is 1.7 times as fast as 2^16."""
MAX_ITERATIONS = 200
TOLERANCE = 1e-6
"""The fit stops when an iteration raises the log-likelihood by less than this fraction."""
TINY = 1e-150
"""Weights and probabilities below this count as none: their ratios would leave the range of float64."""
FOLD_IN_ITERATIONS = 100
"""A fixed number, so that a track's shares do not depend on other tracks."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlsaModel:
    """`term_given_topic` (n_topics, n_terms), rows sum to 1, columns are `terms`.

    `topic` (n_topics,): the topics' shares of the training weight. `term_weight` (n_terms,) multiplies a table's
    weights first: inverse document frequency under `tf_idf`, else 1. `log_likelihood` after every iteration, in nats.
    """

    terms: tuple[str, ...]
    term_given_topic: np.ndarray
    topic: np.ndarray
    term_weight: np.ndarray
    log_likelihood: tuple[float, ...]


def fit_plsa(table: TermTable, training: np.ndarray, factors: int, rng: np.random.Generator) -> PlsaModel:
    """Fit `factors` topics to the tracks where `training` (n_tracks,) is true.

    Topics start at random, tracks at equal shares, so the fit does not depend on the order of tracks.
    Raises InputFaults if there are fewer tracks, or fewer terms with weight, than topics.
    """
    raise_all(plsa_faults(table, training, factors))
    bags, known, term_weight = _training_bags(table, training)
    topic_given_track = np.full((bags.shape[0], factors), 1 / factors)
    topics = rng.exponential(size=(len(known), factors))
    topics /= topics.sum(axis=0)
    track_weight = bags.sum(axis=1)
    ratio, likelihood = _ratio(bags, topic_given_track, topics)
    history: list[float] = []
    for _ in range(MAX_ITERATIONS):
        topic_given_track *= ratio @ topics
        topic_given_track /= track_weight[:, None]
        ratio, _ = _ratio(bags, topic_given_track, topics)
        topics *= ratio.T @ topic_given_track
        topic_weight = topics.sum(axis=0)
        topics /= np.maximum(topic_weight, TINY)
        ratio, after = _ratio(bags, topic_given_track, topics)
        history.append(after)
        if after - likelihood < TOLERANCE * abs(after):
            break
        likelihood = after
    return PlsaModel(
        terms=tuple(table.terms[column] for column in known),
        term_given_topic=np.ascontiguousarray(topics.T),
        topic=topic_weight / topic_weight.sum(),
        term_weight=term_weight[known],
        log_likelihood=tuple(history),
    )


def plsa_faults(table: TermTable, training: np.ndarray, factors: int) -> Iterator[Fault]:
    """Why `factors` topics cannot be fitted to the training tracks, if they cannot."""
    bags, _, _ = _training_bags(table, training)
    count, what = min(zip(bags.shape, ("training tracks with terms", "terms of training tracks"), strict=True))
    if factors > count:
        yield Fault(table.file, "factors", factors, f"expected at most {count}, the number of {what}")


def _training_bags(table: TermTable, training: np.ndarray) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    """Weighted terms of the training tracks that have any; which terms those are; every term's weight."""
    bags = table.weights[training]
    term_weight = np.ones(len(table.terms))
    if table.tf_idf:
        tracks_with_term = np.bincount(bags.indices, minlength=len(table.terms))
        term_weight = np.log(bags.shape[0] / np.maximum(tracks_with_term, 1))
    bags = _weighted(bags, term_weight)
    known = np.flatnonzero(np.bincount(bags.indices, minlength=len(table.terms)))
    bags = bags[:, known]
    return bags[np.flatnonzero(np.diff(bags.indptr))], known, term_weight


def fold_in(model: PlsaModel, table: TermTable) -> np.ndarray:
    """P(topic | track) of every track of the table, (n_tracks, n_topics), with the topics held fixed.

    The likelihood is concave in a track's shares, so the training tracks come back to their shares in the
    fit. A track without any term known to the model gets the topics' shares of the training
    weight.
    """
    column_of = {term: column for column, term in enumerate(table.terms)}
    shared = [(row, column_of[term]) for row, term in enumerate(model.terms) if term in column_of]
    rows, columns = np.array(shared, dtype=np.intp).reshape(-1, 2).T
    bags = _weighted(table.weights[:, columns], model.term_weight[rows])
    topics = np.ascontiguousarray(model.term_given_topic.T[rows])
    # A term whose probability has nearly underflowed in every topic carries no information on the topics.
    bags = _weighted(bags, (topics.max(axis=1, initial=0) > TINY).astype(np.float64))
    evidence = np.diff(bags.indptr) > 0
    bags = bags[np.flatnonzero(evidence)]
    shares = np.full((bags.shape[0], len(model.topic)), 1 / len(model.topic))
    for _ in range(FOLD_IN_ITERATIONS):
        ratio, _ = _ratio(bags, shares, topics)
        shares *= ratio @ topics
        shares /= shares.sum(axis=1, keepdims=True)
    if not evidence.all():
        unknown = [table.track_ids[row] for row in np.flatnonzero(~evidence)]
        log.warning(
            "%s: %d tracks have no term that the training tracks have and get the mean distribution: %s",
            table.file,
            len(unknown),
            ", ".join(unknown[:5]),
        )
    distribution = np.tile(model.topic, (len(table.track_ids), 1))
    distribution[evidence] = shares
    return distribution


def top_terms(model: PlsaModel, n: int = 5) -> list[list[str]]:
    """The `n` most probable terms of each topic, strongest first (paper, Table 2)."""
    strongest = np.argsort(-model.term_given_topic, axis=1, kind="stable")[:, :n]
    return [[model.terms[column] for column in columns] for columns in strongest]


def _weighted(bags: sparse.csr_array, term_weight: np.ndarray) -> sparse.csr_array:
    """The table with each term multiplied by its weight, without the resulting zeros."""
    weighted = sparse.csr_array((bags.data * term_weight[bags.indices], bags.indices, bags.indptr), shape=bags.shape)
    weighted.eliminate_zeros()
    return weighted


def _ratio(bags: sparse.csr_array, tracks: np.ndarray, topics: np.ndarray) -> tuple[sparse.csr_array, float]:
    """The table's weights over P(term | track) at its non-zeros, and the log-likelihood.

    `tracks` (n_tracks, n_topics) and `topics` (n_terms, n_topics) hold the model's shares.
    """
    row_of = np.repeat(np.arange(bags.shape[0]), np.diff(bags.indptr))
    mixture = np.empty(bags.nnz)
    for start in range(0, bags.nnz, BLOCK):
        block = slice(start, start + BLOCK)
        mixture[block] = np.einsum("nk,nk->n", tracks[row_of[block]], topics[bags.indices[block]])
    ratio = sparse.csr_array((bags.data / mixture, bags.indices, bags.indptr), shape=bags.shape)
    return ratio, float(bags.data @ np.log(mixture))
