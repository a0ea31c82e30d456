from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd
import pytest

from study.core.errors import FAULTS_SHOWN, Fault, InputFaults
from study.core.fault_list import listing_faults_in


def test_faults_come_back_from_a_worker_as_they_went() -> None:
    faults = [Fault("study.toml", "[mel] n_mels", 4, "expected more"), Fault("a.csv", "", None, "missing", cause="b")]
    error = InputFaults(faults, "a note")
    back = pickle.loads(pickle.dumps(error))
    assert str(back) == str(error) and back.faults == error.faults and str(error).endswith("\na note")


def faults_of(cause: str | None, count: int) -> list[Fault]:
    return [Fault(f"{cause}{number}.wav", "sound", "broken", "expected sound", cause=cause) for number in range(count)]


def test_of_one_cause_five_are_printed_and_the_others_counted() -> None:
    many, few, apart = faults_of("cut", 400), faults_of("absent", FAULTS_SHOWN), faults_of(None, 20)
    lines = str(InputFaults([*many, *few, *apart])).splitlines()
    assert lines[:6] == [*map(str, many[:5]), "395 more: cut"]
    assert lines[6:] == [*map(str, few), *map(str, apart)], "faults without a cause are each their own"


def test_all_are_in_a_file_only_where_some_are_not_printed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "faults.csv"
    for _ in range(2):
        with pytest.raises(InputFaults) as caught, listing_faults_in(path):
            raise InputFaults([*faults_of("cut", 9), Fault("a, b.csv", "row 1", "=1", "expected", "b")])
        assert str(caught.value).splitlines()[-1] == f"all 10 faults are listed in {path}"
        listed = pd.read_csv(path)
        assert list(listed.columns) == ["file", "key", "value", "expected", "nearest"]
        assert list(listed["file"]) == [*(f"cut{number}.wav" for number in range(9)), "a, b.csv"]
        assert len(caught.value.faults) == 10
    with pytest.raises(InputFaults, match="1 more: cut\nall 6 faults"), listing_faults_in(path):
        raise InputFaults(faults_of("cut", 6))
    with pytest.raises(InputFaults) as caught, listing_faults_in(path):
        raise InputFaults(faults_of("cut", 5))
    assert len(str(caught.value).splitlines()) == 5 and not path.exists(), "a list of earlier faults does not stay"
    path.write_text("old")
    with listing_faults_in(path):
        pass
    assert not path.exists()


def test_a_list_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputFaults) as caught, listing_faults_in(tmp_path / "file" / "faults.csv"):
        raise InputFaults(faults_of("cut", 9))
    assert "the list of all 9 faults could not be written" in str(caught.value)
