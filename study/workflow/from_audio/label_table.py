"""A table of labels of any form: its separator, the column that names the sound files, and the kinds of the others."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from study.core.errors import Fault, InputFaults
from study.core.tables import read_parquet
from study.workflow.from_audio.columns import Column, as_terms, plain_name, recognise

SEPARATORS = (",", ";", "\t", "|")
LEAST_MATCHED = 0.1
"""Fraction of the files that a column must name to be taken as ids."""
WEIGHT_NAMES = ("weight", "count", "score", "confidence", "value", "n")


@dataclass(frozen=True)
class LabelTable:
    """`columns` by name, `id_column` as written in the file, and how many files and rows could be matched."""

    columns: tuple[Column, ...]
    id_column: str
    separator: str
    files_named: int
    rows_without_file: int


def read_label_table(path: Path, files: Sequence[Path], track_ids: Sequence[str]) -> LabelTable:
    """Read CSV, TSV (any of the usual separators) or Parquet, and match its rows to `files` (relative to the folder).

    Raises InputFaults if the file cannot be read or no column of it holds the files' names.
    """
    table, separator = _read(path)
    id_column, track_of = _id_column(path, table, files, track_ids)
    named = table[id_column].map(track_of)
    rows = table[named.notna()].drop(columns=id_column)
    rows.index = pd.Index(named.dropna(), name="track_id")
    names = _distinct_names(list(rows.columns))
    rows.columns = pd.Index(names)
    columns = _one_row_each(rows, track_ids) if rows.index.is_unique else _several_rows(rows)
    return LabelTable(tuple(columns), id_column, separator, rows.index.nunique(), int(named.isna().sum()))


def _read(path: Path) -> tuple[pd.DataFrame, str]:
    """The table as text, missing cells as "", and the separator ("" of Parquet)."""
    try:
        if path.suffix.lower() == ".parquet":
            table = read_parquet(path, lists=True)
            return pd.DataFrame({str(name): _as_text(table[name]) for name in table.columns}), ""
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = [line for _, line in zip(range(50), file, strict=False)]
        separator = max(SEPARATORS, key=lambda sep: _columns_agreed(head, sep))
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:  # pandas' and Arrow's errors are ValueErrors
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise InputFaults([Fault(str(path), "--labels", None, f"cannot be read: {reason}")]) from None
    return table, separator


def _as_text(column: pd.Series) -> pd.Series:
    """Lists become cells of terms; whole numbers lose the `.0` caused by missing cells."""
    if column.map(lambda cell: isinstance(cell, list | np.ndarray)).any():
        return column.map(lambda cell: "|".join(map(str, cell)) if isinstance(cell, list | np.ndarray) else "")
    text = column.astype(object).where(column.notna(), "").astype(str)
    return text.str.removesuffix(".0") if pd.api.types.is_float_dtype(column) else text


def _columns_agreed(head: Sequence[str], separator: str) -> int:
    """The number of columns under a separator if nearly all lines agree on it, else 0."""
    counts = [len(cells) for cells in csv.reader(head, delimiter=separator) if cells]
    agreed = sum(count == counts[0] for count in counts) >= 0.9 * len(counts) if counts else False
    return counts[0] if agreed else 0


def _id_column(
    path: Path, table: pd.DataFrame, files: Sequence[Path], track_ids: Sequence[str]
) -> tuple[str, dict[str, str]]:
    """The column that names most files, and the track_id of each text in it."""
    best: tuple[int, str, dict[str, str]] = (0, "", {})
    for style in STYLES:
        keys = [style(file) for file in files]
        unique = pd.Series(keys).value_counts() == 1
        track_of = {key: track_id for key, track_id in zip(keys, track_ids, strict=True) if key and unique[key]}
        for column in table.columns:
            texts = table[column].unique()
            named = {text: track_of.get(text.strip()) or track_of.get(style(Path(text.strip()))) for text in texts}
            known = {text: track_id for text, track_id in named.items() if track_id is not None}
            if len(set(known.values())) > best[0]:
                best = (len(set(known.values())), column, known)
    n_named, column, track_of_text = best
    if n_named < max(1, LEAST_MATCHED * len(files)):
        nearest = f"the nearest, {column!r}, names {n_named}" if n_named else "none names any"
        expected = f"expected a column with the files' names, such as {files[0]} or {files[0].stem}; {nearest}"
        raise InputFaults([Fault(str(path), "--labels", None, f"{expected} of {len(files)} files")])
    return column, track_of_text


def _number_of(file: Path) -> str:
    """The number that names a file, without leading zeros; "" if it is not a number."""
    return file.stem.lstrip("0") or "0" if re.fullmatch(r"\d+", file.stem) else ""


STYLES: tuple[Callable[[Path], str], ...] = (
    lambda file: file.as_posix(),
    lambda file: file.with_suffix("").as_posix() if file.name else "",
    lambda file: file.name,
    lambda file: file.stem,
    _number_of,
)
"""How a table may name a file: with or without its folder, with or without its ending, or by its number."""


def _distinct_names(headers: Sequence[str]) -> list[str]:
    names: list[str] = []
    for header in headers:
        name = plain_name(str(header))
        taken = sum(other == name or other.startswith(f"{name}_") for other in names)
        names.append(f"{name}_{taken + 1}" if name in names else name)
    return names


def _one_row_each(rows: pd.DataFrame, track_ids: Sequence[str]) -> list[Column]:
    rows = rows.reindex(list(track_ids), fill_value="")
    return [recognise(str(name), rows[name]) for name in rows.columns]


def _several_rows(rows: pd.DataFrame) -> list[Column]:
    """Columns of a table with several rows per track: text becomes terms, a column of numbers their weights."""
    numeric = {name: pd.to_numeric(rows[name], errors="coerce") for name in rows.columns}
    weights = [
        name
        for name, numbers in numeric.items()
        if name in WEIGHT_NAMES and (numbers >= 0).all() and (numbers > 0).any()
    ]
    columns = []
    for name in rows.columns:
        if name in weights:
            continue
        texts = rows[name].str.strip()
        constant = texts.groupby(level=0).nunique().max() == 1
        if constant:
            columns.append(recognise(str(name), texts.groupby(level=0).first()))
            continue
        if np.isfinite(numeric[name]).all():
            columns.append(Column(str(name), "none", texts, "several numbers per track; expected one"))
            continue
        weight = numeric[weights[0]].to_numpy(float) if weights else 1.0
        terms = pd.DataFrame({"track_id": texts.index, "term": texts.to_numpy(), "weight": weight})
        columns.append(as_terms(str(name), terms[terms["term"] != ""]))
    return columns
