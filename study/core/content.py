"""What files hold, as bytes for `study.core.writing`: tables and arrays in the formats that are written."""

from __future__ import annotations

import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_numeric_dtype

FORMULA = re.compile(r"[=+\-@\t]")
"""What a spreadsheet takes for the beginning of a formula."""


def parquet_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def npz_bytes(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def csv_bytes(table: pd.DataFrame, index: bool = False, float_format: str | None = None) -> bytes:
    """A table for people, as CSV. Cells that a spreadsheet would run as a formula begin with an apostrophe."""
    plain = table.reset_index() if index else table
    if len(plain):
        plain = plain.apply(lambda column: column if is_numeric_dtype(column) else column.map(_plain))
    text: str = plain.rename(columns=_plain).to_csv(index=False, float_format=float_format)
    return text.encode()


def text_of_cell(cell: str) -> str:
    """The text of a cell that `csv_bytes` wrote."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell


def _plain(cell: object) -> object:
    """The cell, and with an apostrophe before it if it is text that begins as a formula and is no number."""
    if not isinstance(cell, str):
        return cell
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")  # which pandas does not quote, and ends a row
    if FORMULA.match(cell) is None:
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
