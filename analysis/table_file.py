"""A results table from elsewhere, read from a file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from study.core.errors import Fault, InputFaults, nearest
from study.core.tables import read_parquet


def read_table(path: Path) -> pd.DataFrame:
    """A results table from elsewhere, CSV or Parquet by its suffix. Raises `InputFaults` if it cannot be read."""
    readers = {".csv": _read_csv, ".parquet": read_parquet, ".pq": read_parquet}
    if path.suffix not in readers:
        raise InputFaults([Fault(str(path), "suffix", path.suffix, f"expected one of {', '.join(readers)}")])
    if not path.is_file():
        beside = [one.name for one in path.parent.glob("*") if one.suffix in readers]
        raise InputFaults([Fault(str(path), "", None, "no such file", nearest(path.name, beside))])
    try:
        return readers[path.suffix](path)
    except (OSError, ValueError) as error:  # pyarrow's and pandas' parsing errors are ValueErrors
        raise InputFaults([Fault(str(path), "", None, f"cannot be read: {str(error).splitlines()[0]}")]) from None


def _read_csv(path: Path) -> pd.DataFrame:
    """`None` is a level like any other, and no empty cell."""
    empty = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "-NaN", "NULL", "null"]
    return pd.read_csv(path, keep_default_na=False, na_values=empty)
