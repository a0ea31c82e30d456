from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import NMF

from jobs.labels.plsa import fit_plsa, fold_in, top_terms
from jobs.labels.tables import TermTable
from study.core.errors import InputFaults
from study.core.sections import Source
from study.testing.label_model import LabelModelContract


def table_of(weights, tf_idf: bool = False) -> TermTable:
    weights = sparse.csr_array(np.asarray(weights, dtype=float))
    tracks = tuple(f"t{row:03d}" for row in range(weights.shape[0]))
    terms = tuple(f"w{column:03d}" for column in range(weights.shape[1]))
    return TermTable("terms.csv", tracks, terms, weights, tf_idf)


def planted(rng: np.random.Generator, n_tracks=300, n_terms=60, n_topics=5, n_tokens=200):
    """Counts, and the topics (n_topics, n_terms) and shares (n_tracks, n_topics) that they were drawn from."""
    topics = rng.dirichlet(np.full(n_terms, 0.1), n_topics)
    shares = rng.dirichlet(np.full(n_topics, 0.3), n_tracks)
    return rng.multinomial(n_tokens, shares @ topics), topics, shares


def fitted(table: TermTable, factors: int, seed: int = 0):
    return fit_plsa(table, np.ones(len(table.track_ids), dtype=bool), factors, np.random.default_rng(seed))


def likelihood(counts: np.ndarray, shares: np.ndarray, topics: np.ndarray) -> float:
    mixture = shares @ topics
    return float(np.sum(counts[counts > 0] * np.log(mixture[counts > 0])))


class TestPlsa(LabelModelContract):
    def source(self, folder: Path) -> Source:
        counts, _, _ = planted(np.random.default_rng(0), n_tracks=60, n_terms=30, n_topics=4)
        rows, columns = np.nonzero(counts)
        pd.DataFrame({
            "track_id": [f"t{row}" for row in rows],
            "term": [f"term {column}" for column in columns],
            "weight": counts[rows, columns],
        }).to_csv(folder / "terms.csv", index=False)  # fmt: skip
        return Source(labels="plsa", table=folder / "terms.csv", factors=4)


class TestPlsaWithTfIdf(LabelModelContract):
    def source(self, folder: Path) -> Source:
        return TestPlsa().source(folder).model_copy(update={"tf_idf": True})


def test_planted_topics_come_back():
    counts, topics, shares = planted(np.random.default_rng(7), n_tracks=200, n_terms=40, n_tokens=1000)
    table = table_of(counts)
    model = max((fitted(table, 5, seed) for seed in range(3)), key=lambda model: model.log_likelihood[-1])
    found = np.zeros_like(topics)
    found[:, [int(term[1:]) for term in model.terms]] = model.term_given_topic
    planted_rows, found_rows = linear_sum_assignment(np.abs(topics[:, None] - found[None]).sum(axis=2))
    assert np.abs(topics[planted_rows] - found[found_rows]).sum(axis=1).max() < 0.15  # of 2 at most
    assert np.abs(shares[:, planted_rows] - fold_in(model, table)[:, found_rows]).mean() < 0.02


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_the_likelihood_never_falls(seed, factors):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, 2, size=(25, 12)))
    counts[np.arange(12), np.arange(12)] += 1  # no empty term, no fewer tracks than topics
    history = np.array(fitted(table_of(counts), factors, seed).log_likelihood)
    assert (np.diff(history) >= -1e-9 * np.abs(history[1:])).all()


def test_the_fit_is_as_likely_as_nmf_with_kullback_leibler():
    counts, _, _ = planted(np.random.default_rng(3), n_tracks=120, n_terms=40)
    ours = max(fitted(table_of(counts), 5, seed).log_likelihood[-1] for seed in range(3))
    theirs = []
    for seed in range(3):
        nmf = NMF(
            5, init="random", solver="mu", beta_loss="kullback-leibler", max_iter=300, tol=1e-6, random_state=seed
        )
        shares = nmf.fit_transform(counts.astype(float)) * nmf.components_.sum(axis=1)
        shares /= shares.sum(axis=1, keepdims=True)
        theirs.append(likelihood(counts, shares, nmf.components_ / nmf.components_.sum(axis=1, keepdims=True)))
    assert ours == pytest.approx(max(theirs), rel=2e-4)


def test_the_reported_likelihood_is_that_of_the_model():
    counts, _, _ = planted(np.random.default_rng(3), n_tracks=40)
    table = table_of(counts)
    model = fitted(table, 3)
    columns = [int(term[1:]) for term in model.terms]
    refitted = likelihood(counts[:, columns], fold_in(model, table), model.term_given_topic)
    # Shares folded in are the best for these topics; those of the fit may be an iteration behind.
    assert model.log_likelihood[-1] - 1e-6 <= refitted <= model.log_likelihood[-1] * (1 - 1e-4)


def test_the_model_is_made_of_distributions():
    counts, _, _ = planted(np.random.default_rng(2), n_tracks=50)
    model = fitted(table_of(counts), 4)
    np.testing.assert_allclose(model.term_given_topic.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(model.topic.sum(), 1, rtol=1e-12)
    assert (model.term_given_topic >= 0).all()


def test_one_topic_is_the_mean_of_the_table():
    counts, _, _ = planted(np.random.default_rng(2), n_tracks=50, n_terms=8)
    model = fitted(table_of(counts), 1)
    columns = [int(term[1:]) for term in model.terms]
    np.testing.assert_allclose(model.term_given_topic[0], counts.sum(axis=0)[columns] / counts.sum(), rtol=1e-12)


def test_blocks_do_not_change_the_fit(monkeypatch):
    counts, _, _ = planted(np.random.default_rng(2), n_tracks=50)
    whole = fitted(table_of(counts), 4)
    monkeypatch.setattr("jobs.labels.plsa.BLOCK", 7)
    np.testing.assert_allclose(fitted(table_of(counts), 4).term_given_topic, whole.term_given_topic, atol=1e-8)


def test_terms_that_every_training_track_has_say_nothing_under_tf_idf():
    counts, _, _ = planted(np.random.default_rng(2), n_tracks=50)
    with_stop_word = np.column_stack((counts, np.full(50, 500)))
    stop_word = f"w{counts.shape[1]:03d}"
    assert stop_word in fitted(table_of(with_stop_word), 4).terms
    table = table_of(with_stop_word, tf_idf=True)
    model = fitted(table, 4)
    assert stop_word not in model.terms
    plain = fitted(table_of(counts, tf_idf=True), 4)
    np.testing.assert_allclose(fold_in(model, table), fold_in(plain, table_of(counts)), atol=1e-12)


def test_tf_idf_is_counted_on_training_tracks_alone():
    counts = np.array([[2, 1, 0], [1, 0, 3], [1, 1, 1], [0, 5, 0]])
    model = fit_plsa(table_of(counts, tf_idf=True), np.array([True, True, True, False]), 2, np.random.default_rng(0))
    assert model.terms == ("w001", "w002")  # w000 is in all three training tracks
    np.testing.assert_allclose(model.term_weight, np.log([3 / 2, 3 / 2]))


def test_a_track_of_unknown_terms_alone_gets_the_mean_distribution_and_is_named(caplog):
    counts = np.zeros((41, 21), dtype=int)
    counts[:40, :20], _, _ = planted(np.random.default_rng(2), n_tracks=40, n_terms=20)
    counts[40, 20] = 3
    training = np.arange(41) < 40
    table = table_of(counts)
    model = fit_plsa(table, training, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(fold_in(model, table)[40], model.topic)
    assert "1 tracks" in caplog.text and "t040" in caplog.text
    assert not np.allclose(fold_in(model, table)[:40], model.topic)


def test_terms_outside_the_table_are_fine():
    counts, _, _ = planted(np.random.default_rng(2), n_tracks=40)
    table = table_of(counts)
    model = fitted(table, 3)
    part = TermTable("terms.csv", table.track_ids, table.terms[:30], table.weights[:, :30])
    np.testing.assert_allclose(fold_in(model, part).sum(axis=1), 1)


@pytest.mark.parametrize(("shape", "what"), [((4, 30), "training tracks"), ((30, 4), "terms of training tracks")])
def test_more_topics_than_tracks_or_terms_are_a_fault(shape, what):
    table = table_of(np.random.default_rng(0).poisson(3, size=shape) + 1)
    with pytest.raises(InputFaults, match=f"expected at most 4, the number of {what}"):
        fitted(table, 5)
    assert fitted(table, 4).term_given_topic.shape[0] == 4


def test_top_terms_are_the_strongest_first():
    counts = np.zeros((20, 6))
    counts[:10, :3] = [5, 9, 1]
    counts[10:, 3:] = [2, 3, 7]
    assert sorted(top_terms(fitted(table_of(counts), 2), 2)) == [["w001", "w000"], ["w005", "w004"]]
