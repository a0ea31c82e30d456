"""Information kept: known answers for six levels, for planted topics and for labels that say nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import mutual_info_score

from jobs.labels.information import kept_information
from jobs.labels.label_models import LABEL_MODELS
from jobs.labels.plsa import fit_plsa, fold_in
from jobs.labels.tables import TermTable
from study.core.sections import Source
from tests.jobs.labels.test_levels import write

SIX = np.repeat(np.arange(6), 30)


def kept_of(folder: Path, **settings) -> float:
    source = Source(table=write(folder, SIX.tolist()), factors=6, **settings)
    model_of = LABEL_MODELS[source.labels]
    table = model_of.read(source)
    model = model_of.fit(table, np.ones(len(SIX), dtype=bool), 6, np.random.default_rng(0))
    return kept_information(model_of.distribution(model, table), SIX)


def test_of_six_levels_by_label_kind(tmp_path: Path) -> None:
    assert kept_of(tmp_path, labels="classes") == pytest.approx(1, abs=1e-12)
    assert kept_of(tmp_path, labels="ordinal") == pytest.approx(0.60, abs=0.02)
    assert 0.99 <= kept_of(tmp_path, labels="gmm") < 1
    assert kept_of(tmp_path, labels="gmm", resolution=1.0) < 0.05  # the whole gap, as version 0.1 once had it


def test_planted_topics_are_reported_as_they_are() -> None:
    rng = np.random.default_rng(4)
    topics = rng.dirichlet(np.full(60, 0.05), size=4)
    shares = rng.dirichlet(np.full(4, 0.3), size=400)
    weights = np.array([rng.multinomial(2000, row) for row in shares @ topics], dtype=float)
    names = tuple(f"t{row}" for row in range(400))
    table = TermTable("bags.csv", names, tuple(f"w{column:02d}" for column in range(60)), sparse.csr_array(weights))
    made = fold_in(fit_plsa(table, np.ones(400, dtype=bool), 4, rng), table)
    assert kept_information(made) == pytest.approx(kept_information(shares), rel=0.05)


def test_one_hot_labels_keep_what_values_and_labels_share() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, size=300)
    labels = np.where(rng.random(300) < 0.5, values, 0) // 2
    entropy = mutual_info_score(values, values)
    expected = mutual_info_score(labels, labels) / min(entropy, np.log(3))  # labels, given the track, are certain
    assert kept_information(np.eye(3)[labels], values) == pytest.approx(expected)


def test_the_same_labels_for_all_keep_nothing_and_rows_without_labels_do_not_count() -> None:
    same = np.tile([0.2, 0.3, 0.5], (7, 1))
    assert kept_information(same) == pytest.approx(0, abs=1e-12)
    tags = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [np.nan] * 4])
    assert kept_information(tags) == pytest.approx(0.5)
