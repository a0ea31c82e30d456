"""Read label tables, CSV or Parquet, into arrays by track: scalars (track_id, value) and bags of terms (track_id, term,
weight).

Rows are counted from 1 below the header. Text is taken literally: "NA" or "null" is a term.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from scipy import sparse

from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.tables import column_faults, parquet_table

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""The separators of CSV files, and their names."""


@dataclass(frozen=True)
class ScalarTable:
    """One number per track: `values` (n_tracks,), float64, finite.

    `resolution`, in the values' unit: smaller differences are treated as none. None: inferred from the values.
    """

    file: str
    track_ids: tuple[str, ...]
    values: np.ndarray
    resolution: float | None = None

    def select(self, track_ids: Sequence[str]) -> ScalarTable:
        """Select rows by track_id, in the given order. Raises InputFaults naming the tracks without a label."""
        rows = rows_of(self.file, self.track_ids, track_ids)
        return replace(self, track_ids=tuple(track_ids), values=self.values[rows])


@dataclass(frozen=True)
class TermTable:
    """One bag of terms per track: `weights` (n_tracks, n_terms), sparse, float64, no empty row.

    `tf_idf` asks the label model to weight terms by their rarity among the training tracks.
    """

    file: str
    track_ids: tuple[str, ...]
    terms: tuple[str, ...]
    weights: sparse.csr_array
    tf_idf: bool = False

    def select(self, track_ids: Sequence[str]) -> TermTable:
        """Select rows by track_id, in the given order. Raises InputFaults naming the tracks without a label."""
        rows = rows_of(self.file, self.track_ids, track_ids)
        return replace(self, track_ids=tuple(track_ids), weights=self.weights[rows])


def read_scalars(path: Path, resolution: float | None = None) -> ScalarTable:
    """Read `track_id, value`, one row per track. Raises InputFaults with every fault of the table."""
    table = read_columns(path, ("track_id", "value"))
    values, faults = numbers(path, table, "value")
    raise_all(faults + faulty_ids(path, table))
    return ScalarTable(str(path), tuple(table["track_id"]), values, resolution)


def read_terms(path: Path, tf_idf: bool = False) -> TermTable:
    """Read `track_id, term[, weight]`; weights of the same track and term add up. Without the column, each weight is 1.

    Tracks whose weights are all 0 have no labels and are left out. Raises InputFaults with every fault of the
    table.
    """
    table = read_columns(path, ("track_id", "term"), ("weight",))
    faults = empty_text(path, table, "track_id") + empty_text(path, table, "term")
    if "weight" in table:
        weights, weight_faults = numbers(path, table, "weight")
        faults += weight_faults + faulty_rows(path, table, "weight", weights < 0, "expected a weight of 0 or more")
    else:
        weights = np.ones(len(table))
    raise_all(faults)
    tracks, track_ids = pd.factorize(table["track_id"])
    columns, terms = pd.factorize(table["term"], sort=True)
    bags = sparse.csr_array((weights, (tracks, columns)), shape=(len(track_ids), len(terms)), dtype=np.float64)
    bags.eliminate_zeros()
    labelled = np.flatnonzero(np.diff(bags.indptr))
    if not labelled.size:
        raise InputFaults([Fault(str(path), "weight", 0, "expected at least one weight above 0")])
    return TermTable(str(path), tuple(track_ids[labelled]), tuple(terms), bags[labelled], tf_idf)


def read_columns(path: Path, required: Iterable[str], optional: Iterable[str] = ()) -> pd.DataFrame:
    """The required columns and any optional ones of a CSV or Parquet file, as text if it is CSV.

    Raises InputFaults if the file cannot be read, has no rows, or lacks columns (each is named with the nearest).
    """
    required, wanted = tuple(required), (*required, *optional)
    if not path.is_file():
        raise InputFaults([Fault(str(path), "", None, "no such file")])
    try:
        if path.suffix.lower() == ".parquet":
            table = parquet_table(path)
        elif path.suffix.lower() == ".csv":
            as_text = pa.csv.ConvertOptions(column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False)
            parsed = pa.csv.ParseOptions(delimiter=separator_of(path), newlines_in_values=True)
            table = pa.csv.read_csv(path, parse_options=parsed, convert_options=as_text)
        else:
            raise InputFaults([Fault(str(path), "", None, "expected a file that ends in .csv or .parquet")])
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputFaults([Fault(str(path), "", None, f"cannot be read as {path.suffix[1:]}: {error}")]) from None
    names = table.column_names
    faults = [
        Fault(str(path), name, None, f"missing column; the file has {', '.join(names)}", nearest(name, names))
        for name in required
        if name not in names
    ]
    faults += column_faults(path, table, [name for name in wanted if name in names])
    if not table.num_rows:
        faults.append(Fault(str(path), "", None, "the table has no rows"))
    raise_all(faults)
    return table.select([name for name in wanted if name in names]).to_pandas()


def separator_of(path: Path) -> str:
    """The separator of a CSV file: the only one of `SEPARATORS` in its header, else a comma.

    Raises OSError or UnicodeDecodeError if the file cannot be read.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = re.sub(r'"[^"]*"', "", file.readline())
    present = [separator for separator in SEPARATORS if separator in header]
    return present[0] if len(present) == 1 else ","


def numbers(path: Path, table: pd.DataFrame, column: str) -> tuple[np.ndarray, list[Fault]]:
    """The column as float64, and a fault for every row that is not a finite number."""
    # As text: pandas would convert a timestamp to nanoseconds.
    written = table[column] if pd.api.types.is_numeric_dtype(table[column]) else table[column].astype(str)
    values = pd.to_numeric(written, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return values, faulty_rows(path, table, column, ~np.isfinite(values), "expected a finite number")


def empty_text(path: Path, table: pd.DataFrame, column: str) -> list[Fault]:
    """A fault for every row without text. Converts the column to text in place."""
    missing = table[column].isna() | (table[column].astype(str) == "")
    table[column] = table[column].astype(str)
    return faulty_rows(path, table, column, missing, f"expected a {column.replace('_', ' ')}")


def faulty_ids(path: Path, table: pd.DataFrame) -> list[Fault]:
    """A fault for every row whose track_id is repeated or missing. Converts `track_id` to text in place."""
    repeated = faulty_rows(path, table, "track_id", table["track_id"].duplicated(), "expected each track only once")
    return repeated + empty_text(path, table, "track_id")


def faulty_rows(path: Path, table: pd.DataFrame, column: str, faulty: Iterable[bool], expected: str) -> list[Fault]:
    """A fault for every faulty row."""
    rows = np.flatnonzero(np.asarray(faulty))
    values = table[column].iloc[rows]
    cause = f"rows of {path}: {column}: {expected}"
    return [
        Fault(str(path), f"row {row + 1} {column}", value, expected, cause=cause)
        for row, value in zip(rows, values, strict=True)
    ]


def missing_tracks(file: str, missing: Sequence[str], what: str) -> Iterator[Fault]:
    """A fault for every track that a table lacks."""
    for track_id in missing:
        yield Fault(file, "track_id", track_id, f"expected {what}", cause=f"tracks of {file}: expected {what}")


def rows_of(file: str, present: tuple[str, ...], wanted: Sequence[str]) -> np.ndarray:
    """The rows of the wanted tracks among those present. Raises InputFaults naming the tracks without a label."""
    row_of = {track_id: row for row, track_id in enumerate(present)}
    raise_all(missing_tracks(file, [track_id for track_id in wanted if track_id not in row_of], "a label"))
    return np.array([row_of[track_id] for track_id in wanted], dtype=np.intp)
