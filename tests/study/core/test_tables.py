"""Parquet of any origin: plain columns are read, all else is refused by name."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.core import tables
from study.core.errors import InputFaults
from study.core.tables import read_parquet


@pytest.mark.parametrize(
    ("values", "kind"),
    [([b"a"], "binary"), ([[1]], "list<"), ([{"a": 1}], "struct<"), ([[["a"]]], "list<")],
)
def test_a_column_that_is_not_plain_is_named(tmp_path: Path, values: list[object], kind: str) -> None:
    pq.write_table(pa.table({"track_id": ["a"], "value": values}), tmp_path / "t.parquet")
    with pytest.raises(InputFaults, match=rf"t\.parquet: value: holds {kind}.*; expected text or numbers"):
        read_parquet(tmp_path / "t.parquet")


def test_plain_columns_are_read(tmp_path: Path) -> None:
    columns = {"text": ["a", "a"], "number": [1, 2], "decimal": [Decimal("1.5"), None], "day": [date(2026, 1, 1)] * 2,
               "tags": [["x"], ["y", "z"]]}  # fmt: skip
    table = pa.table(columns)
    table = table.set_column(0, "text", table.column("text").dictionary_encode())
    pq.write_table(table, tmp_path / "t.parquet")
    read = read_parquet(tmp_path / "t.parquet", lists=True)
    assert read["text"].tolist() == ["a", "a"] and read["decimal"].iloc[0] == 1.5
    assert [list(tags) for tags in read["tags"]] == columns["tags"]


def test_an_index_that_pandas_wrote_is_a_column(tmp_path: Path) -> None:
    pd.DataFrame({"score": [0.5]}, index=pd.Index(["r"], name="run_id")).to_parquet(tmp_path / "t.parquet")
    assert read_parquet(tmp_path / "t.parquet").columns.tolist() == ["score", "run_id"]


def test_a_small_file_that_states_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 999)
    pq.write_table(pa.table({"a": [1] * 1000}), tmp_path / "t.parquet")
    with pytest.raises(InputFaults, match=r"rows = 1000: expected at most 999"):
        read_parquet(tmp_path / "t.parquet")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.parquet")
    with pytest.raises(InputFaults, match="not a file"):
        read_parquet(tmp_path / "t.parquet")
