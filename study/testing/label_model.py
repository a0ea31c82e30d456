"""What every kind of labels must do. A test class inherits the contract and gives a source with these labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.labels.label_models import LabelModel, label_model
from study.core.errors import InputFaults
from study.core.sections import Source


class LabelModelContract:
    def source(self, folder: Path) -> Source:
        """A source of 40 tracks or more whose table is written into the folder."""
        raise NotImplementedError

    def assert_rows_are_labels(self, made: np.ndarray) -> None:
        """Distributions, unless the model says what else its rows are."""
        assert (made >= 0).all()
        np.testing.assert_allclose(made.sum(axis=1), 1, rtol=1e-12)

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Source:
        return self.source(tmp_path)

    @pytest.fixture
    def model_of(self, settings: Source) -> LabelModel:
        return label_model(str(settings.labels))

    @pytest.fixture
    def table(self, model_of: LabelModel, settings: Source) -> Any:
        return model_of.read(settings)

    @pytest.fixture
    def training(self, table: Any) -> np.ndarray:
        return np.random.default_rng(5).random(len(table.track_ids)) < 0.8

    @pytest.fixture
    def factors(self, model_of: LabelModel, settings: Source, table: Any, training: np.ndarray) -> int:
        return model_of.factors(settings, table, training)

    def made(self, model_of: LabelModel, table: Any, training: np.ndarray, factors: int, seed: int = 3) -> np.ndarray:
        model = model_of.fit(table, training, factors, np.random.default_rng(seed))
        return model_of.distribution(model, table)

    def test_each_track_gets_labels_over_the_factors(
        self, model_of: LabelModel, table: Any, training: np.ndarray, factors: int
    ) -> None:
        made = self.made(model_of, table, training, factors)
        assert made.shape == (len(table.track_ids), factors)
        self.assert_rows_are_labels(made)

    def test_tracks_differ(self, model_of: LabelModel, table: Any, training: np.ndarray, factors: int) -> None:
        made = self.made(model_of, table, training, factors)
        assert len(np.unique(made, axis=0)) > 1

    def test_one_seed_gives_one_answer(
        self, model_of: LabelModel, table: Any, training: np.ndarray, factors: int
    ) -> None:
        first = self.made(model_of, table, training, factors)
        np.testing.assert_array_equal(first, self.made(model_of, table, training, factors))

    def test_validation_tracks_change_nothing_for_training_tracks(
        self, model_of: LabelModel, table: Any, training: np.ndarray, factors: int
    ) -> None:
        everything = self.made(model_of, table, training, factors)
        alone = table.select([track for track, trains in zip(table.track_ids, training, strict=True) if trains])
        without = self.made(model_of, alone, np.ones(training.sum(), dtype=bool), factors)
        np.testing.assert_array_equal(everything[training], without)

    def test_a_validation_track_gets_what_it_gets_alone(
        self, model_of: LabelModel, table: Any, training: np.ndarray, factors: int
    ) -> None:
        model = model_of.fit(table, training, factors, np.random.default_rng(3))
        together = model_of.distribution(model, table)
        row = int(np.flatnonzero(~training)[0])
        alone = model_of.distribution(model, table.select([table.track_ids[row]]))
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-9)

    def test_the_order_of_tracks_does_not_matter(
        self, model_of: LabelModel, table: Any, training: np.ndarray, factors: int
    ) -> None:
        order = np.random.default_rng(1).permutation(len(training))
        shuffled = table.select([table.track_ids[row] for row in order])
        made = self.made(model_of, table, training, factors)
        made_shuffled = self.made(model_of, shuffled, training[order], factors)
        np.testing.assert_allclose(made_shuffled, made[order], atol=1e-6)

    def test_more_factors_than_the_table_can_tell_apart_are_a_fault(
        self, model_of: LabelModel, table: Any, training: np.ndarray
    ) -> None:
        with pytest.raises(InputFaults) as caught:
            model_of.fit(table, training, 10_000, np.random.default_rng(3))
        (fault,) = caught.value.faults
        assert (fault.file, fault.key, fault.value) == (table.file, "factors", 10_000)
        assert re.match(r"expected (at most )?\d+, the number of", fault.expected)

    def test_a_track_without_a_label_is_named(self, table: Any) -> None:
        with pytest.raises(InputFaults, match=r"(?s)'nobody': expected a label.*'noone': expected a label"):
            table.select([table.track_ids[0], "nobody", "noone"])
