from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from jobs.labels.tables import TermTable
from jobs.labels.tags import fit_tags, has_tags
from study.core.sections import Source
from study.testing.label_model import LabelModelContract

WORDS = ("calm", "fast", "guitar", "loud", "piano", "rare", "sad")


class TestTags(LabelModelContract):
    def source(self, folder: Path) -> Source:
        rng = np.random.default_rng(0)
        rows = [
            (f"t{track:02d}", word, float(rng.integers(1, 5)))
            for track in range(60) for word in rng.choice(WORDS, rng.integers(1, 4), replace=False)
        ]  # fmt: skip
        pd.DataFrame(rows, columns=["track_id", "term", "weight"]).to_csv(folder / "tags.csv", index=False)
        return Source(labels="tags", table=folder / "tags.csv", factors=4)

    def assert_rows_are_labels(self, made: np.ndarray) -> None:
        """0 and 1, a 1 at least; a row of NaN where a track has none of the terms."""
        unlabelled = np.isnan(made).all(axis=1)
        assert 0 < unlabelled.sum() < len(made)
        assert set(np.unique(made[~unlabelled])) == {0, 1}
        assert (made[~unlabelled].sum(axis=1) >= 1).all()


def test_the_most_frequent_terms_of_training_tracks_ties_by_name() -> None:
    #          heavy  b  a  late      `heavy` has the weight, `late` is frequent among validation tracks alone
    weights = [[9.0, 1, 0, 0],
               [0.0, 1, 1, 0],
               [0.0, 0, 1, 0],
               [0.0, 0, 0, 1],
               [0.5, 0, 1, 1]]  # fmt: skip
    names = tuple(f"t{row}" for row in range(5))
    table = TermTable("tags.csv", names, ("heavy", "b", "a", "late"), sparse.csr_array(np.array(weights)))
    model = fit_tags(table, np.array([True, True, True, False, False]), 2, np.random.default_rng(0))
    assert model.terms == ("a", "b")
    nan = np.nan
    np.testing.assert_array_equal(has_tags(model, table), [[0, 1], [1, 1], [1, 0], [nan, nan], [1, 0]])
    only_late = TermTable("tags.csv", ("x",), ("late",), sparse.csr_array(np.array([[1.0]])))
    assert np.isnan(has_tags(model, only_late)).all()
