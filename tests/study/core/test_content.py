from __future__ import annotations

import pandas as pd
import pytest

from study.core.content import csv_bytes, text_of_cell


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "-"])
def test_a_spreadsheet_runs_no_cell_as_a_formula(cell: str) -> None:
    text = csv_bytes(pd.DataFrame({cell: [cell, "plain"]}, index=pd.Index([cell, "a"], name="n")), index=True)
    back = pd.read_csv(pd.io.common.BytesIO(text), dtype=str)
    assert text_of_cell(back.iloc[0, 1]) == cell
    assert back.columns.tolist() == ["n", f"'{cell}"] and back.iloc[0].tolist() == [f"'{cell}", f"'{cell}"]


def test_a_carriage_return_begins_no_cell() -> None:
    assert csv_bytes(pd.DataFrame({"a": ["b\r=1", "c\r\nd"]})) == b'a\n"b\n=1"\n"c\nd"\n'


@pytest.mark.parametrize("cell", ["-1", "+1.5e3", "-inf", "a=b", "1-2", "", "'=x"])
def test_numbers_and_other_text_stay(cell: str) -> None:
    assert csv_bytes(pd.DataFrame({"a": [cell, "b"]})) == pd.DataFrame({"a": [cell, "b"]}).to_csv(index=False).encode()


def test_numbers_are_as_pandas_writes_them() -> None:
    table = pd.DataFrame({"a": [-1.5, None], "b": [1, -2], "c": [True, False], "d": pd.to_datetime(["2026-01-01"] * 2)})
    assert csv_bytes(table, float_format="%.3g") == table.to_csv(index=False, float_format="%.3g").encode()
    assert csv_bytes(pd.DataFrame()) == pd.DataFrame().to_csv(index=False).encode()
