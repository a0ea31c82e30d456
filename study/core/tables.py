"""Tables that others wrote: Parquet of any origin as plain columns, or refused in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from study.core.errors import Fault, InputFaults, raise_all

MOST_ROWS = 10**8
"""A small file can state any number of rows, all alike."""


def parquet_table(path: Path) -> pa.Table:
    """The rows of a Parquet file, without its metadata; dictionaries as their values, decimals as floating point.

    Raises InputFaults if it is no regular file, is not Parquet, is damaged, or states too many rows.
    """
    if not path.is_file():  # opening a pipe would wait for its writer
        raise InputFaults([Fault(str(path), "", None, "not a file" if path.exists() else "no such file")])
    try:
        n_rows = pq.ParquetFile(path).metadata.num_rows
        if n_rows > MOST_ROWS:
            raise InputFaults([Fault(str(path), "rows", n_rows, f"expected at most {MOST_ROWS:,}")])
        table = pq.read_table(path)
        table.validate(full=True)
        columns = [_decoded(column) for column in table.columns]
        return pa.table(columns, names=[str(name) for name in table.column_names])
    except InputFaults:
        raise
    except Exception as error:  # a damaged file makes pyarrow raise anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputFaults([Fault(str(path), "", None, f"cannot be read as parquet: {reason}")]) from None


def read_parquet(path: Path, lists: bool = False) -> pd.DataFrame:
    """All columns of a Parquet file. Raises InputFaults as `parquet_table`, and for columns that are not plain."""
    table = parquet_table(path)
    raise_all(column_faults(path, table, table.column_names, lists))
    return table.to_pandas()


def column_faults(path: Path, table: pa.Table, names: Iterable[str], lists: bool = False) -> Iterator[Fault]:
    """A fault for each of these columns that the table has twice, or that holds neither text, numbers, booleans nor
    times (nor, if allowed, `lists` of them)."""
    for name in dict.fromkeys(names):
        fields = [field for field in table.schema if field.name == name]
        if len(fields) > 1:
            yield Fault(str(path), name, None, "expected this column only once")
        elif not _is_plain(fields[0].type, lists):
            yield Fault(str(path), name, None, f"holds {fields[0].type}; expected text or numbers")


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.float64()) if types.is_decimal(column.type) else column


def _is_plain(kind: pa.DataType, lists: bool) -> bool:
    if lists and (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return _is_plain(kind.value_type, lists=False)
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return bool(is_text or is_number or types.is_date(kind) or types.is_timestamp(kind) or types.is_time(kind))
