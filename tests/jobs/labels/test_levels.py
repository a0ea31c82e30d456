"""Classes and ordered levels: what a track's level says, and what is wrong with tables of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.labels.levels import (
    LevelTable,
    fit_classes,
    fit_ordinal,
    level_distribution,
    number_of_levels,
    read_classes,
    read_ordinal,
)
from study.core.errors import InputFaults
from study.core.sections import Source
from study.testing.label_model import LabelModelContract

DYNAMICS = ("pianissimo", "piano", "mezzo-forte", "forte", "fortissimo", "tutta-forza")


def write(folder: Path, values: list, name: str = "table.csv") -> Path:
    table = pd.DataFrame({"track_id": [f"t{row:03d}" for row in range(len(values))], "value": values})
    table.to_parquet(folder / name) if name.endswith("parquet") else table.to_csv(folder / name, index=False)
    return folder / name


class TestClasses(LabelModelContract):
    def source(self, folder: Path) -> Source:
        speakers = np.random.default_rng(0).choice(["george", "jackson", "NA", "lucas"], size=60).tolist()
        return Source(labels="classes", table=write(folder, speakers), factors=4)


class TestOrdinalNumbers(LabelModelContract):
    def source(self, folder: Path) -> Source:
        digits = np.random.default_rng(0).choice([0, 0.5, 2, 30], size=60).tolist()
        return Source(labels="ordinal", table=write(folder, digits), factors=4)


class TestOrdinalNames(LabelModelContract):
    def source(self, folder: Path) -> Source:
        dynamics = np.random.default_rng(0).choice(DYNAMICS, size=60).tolist()
        return Source(labels="ordinal", table=write(folder, dynamics), factors=6, order=DYNAMICS)


def distribution(table: LevelTable, fit=fit_classes, training=None) -> np.ndarray:
    trains = np.ones(len(table.values), dtype=bool) if training is None else np.array(training)
    factors = number_of_levels(Source(labels="classes"), table, trains)
    return level_distribution(fit(table, trains, factors, np.random.default_rng(0)), table)


def test_classes_are_one_of_k_in_the_order_of_their_names(tmp_path: Path) -> None:
    made = distribution(read_classes(write(tmp_path, ["b", "a", "007", "a"])))
    np.testing.assert_array_equal(made, [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_neighbours_of_a_level_are_alike(tmp_path: Path, name: str) -> None:
    made = distribution(read_ordinal(write(tmp_path, [10, 9, 100], name), None), fit_ordinal)  # "10" < "100" < "9"
    of_nine = np.array([1, 0.15, 0.15**2]) / (1 + 0.15 + 0.15**2)
    of_ten = np.array([0.15, 1, 0.15]) / 1.3
    np.testing.assert_allclose(made, [of_ten, of_nine, of_nine[::-1]], rtol=1e-12)


def test_names_stand_in_the_order_given(tmp_path: Path) -> None:
    made = distribution(read_ordinal(write(tmp_path, ["loud", "mid", "soft"]), ("soft", "mid", "loud")), fit_ordinal)
    assert made.argmax(axis=1).tolist() == [2, 1, 0]


def test_a_level_without_training_tracks_has_no_factor_unless_the_study_file_names_it(tmp_path: Path) -> None:
    trains = [True, True, True, False]
    path = write(tmp_path, ["1", "2", "4", "3"])
    seen = distribution(read_ordinal(path, None), fit_ordinal, trains)
    assert seen.shape == (4, 3) and np.isnan(seen[3]).all() and not np.isnan(seen[:3]).any()
    named = distribution(read_ordinal(path, ("1", "2", "3", "4")), fit_ordinal, trains)
    assert named.shape == (4, 4) and named[3].argmax() == 2


def faults_of(read, *arguments) -> list[str]:
    with pytest.raises(InputFaults) as caught:
        read(*arguments)
    return [str(fault).split(": ", 1)[1] for fault in caught.value.faults]


def test_names_without_an_order_are_a_fault_that_lists_them(tmp_path: Path) -> None:
    (fault,) = faults_of(read_ordinal, write(tmp_path, ["piano", "forte", "piano"]), None)
    assert "text has no inherent order" in fault and 'with "forte", "piano"' in fault


def test_a_word_among_numbers_is_a_fault_of_its_row(tmp_path: Path) -> None:
    assert faults_of(read_ordinal, write(tmp_path, ["1", "two", "3"]), None) == [
        "row 2 value = 'two': expected a finite number"
    ]


def test_every_difference_between_table_and_order_is_a_fault(tmp_path: Path) -> None:
    path = write(tmp_path, ["piano", "mezoforte", "forte", "mezoforte", ""])
    assert faults_of(read_ordinal, path, ("piano", "mezzoforte", "forte", "tutti")) == [
        "row 5 value = '': expected a value",
        "value = 'mezoforte': of 2 tracks: missing from the source's `order`; did you mean 'mezzoforte'?",
        "value = 'mezzoforte': in the source's `order`, but no track has it; did you mean 'mezoforte'?",
        "value = 'tutti': in the source's `order`, but no track has it",
    ]


def test_faults_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("track_id,value\na,x\na,y\n,x\nb,\n")
    assert faults_of(read_classes, path) == [
        "row 4 value = '': expected a value",
        "row 2 track_id = 'a': expected each track only once",
        "row 3 track_id = '': expected a track id",
    ]


def test_one_level_is_nothing_to_learn(tmp_path: Path) -> None:
    one = read_classes(write(tmp_path, ["x", "x", "y"]))
    with pytest.raises(InputFaults, match="training tracks have 1 levels; expected 2"):
        distribution(one, training=[True, True, False])
