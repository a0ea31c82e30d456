from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.labels.number import fit_number, standardised
from jobs.labels.tables import ScalarTable
from study.core.errors import InputFaults
from study.core.sections import Source
from study.testing.label_model import LabelModelContract


class TestNumber(LabelModelContract):
    def source(self, folder: Path) -> Source:
        values = np.random.default_rng(0).normal(120, 20, size=60).round(1)
        pd.DataFrame({"track_id": [f"t{row}" for row in range(60)], "value": values}).to_csv(
            folder / "bpm.csv", index=False
        )
        return Source(labels="number", table=folder / "bpm.csv")

    def assert_rows_are_labels(self, made: np.ndarray) -> None:
        assert made.shape[1] == 1 and np.isfinite(made).all()


def test_training_tracks_have_mean_zero_and_deviation_one() -> None:
    table = ScalarTable("bpm.csv", ("a", "b", "c", "d"), np.array([90.0, 110.0, 100.0, 160.0]))
    training = np.array([True, True, False, False])
    made = standardised(fit_number(table, training, 1, np.random.default_rng(0)), table)
    assert made.tolist() == [[-1.0], [1.0], [0.0], [6.0]]


def test_one_value_for_all_is_a_fault() -> None:
    table = ScalarTable("bpm.csv", ("a", "b", "c"), np.array([90.0, 90.0, 100.0]))
    with pytest.raises(InputFaults, match="training tracks have no other"):
        fit_number(table, np.array([True, True, False]), 1, np.random.default_rng(0))
