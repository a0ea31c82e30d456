"""The kind of labels in a column of text: classes, ordered levels, numbers, bags of terms, or nothing to learn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from study.core.field_types import LONGEST_NAME
from study.workflow.from_audio.words import midi_number, on_a_scale

Kind = Literal["classes", "ordinal", "number", "terms", "group", "none"]

GROUP_NAMES = (
    "artist",
    "speaker",
    "singer",
    "performer",
    "player",
    "musician",
    "subject",
    "person",
    "patient",
    "individual",
    "recording",
    "recording_id",
    "album",
    "session",
    "video",
    "source_file",
    "site",
    "station",
    "location",
    "group",
)
"""Columns whose tracks share a voice, a room or a microphone and so belong in one part of any split."""
COUNTERS = (
    "take",
    "index",
    "idx",
    "number",
    "num",
    "no",
    "nr",
    "n",
    "count",
    "copy",
    "version",
    "clip",
    "segment",
    "part",
    "track",
    "track_number",
    "file",
    "id",
    "repeat",
    "repetition",
    "rep",
)
"""Columns that only number recordings and carry no information on their sound."""

NEARLY_ALL = 0.95
SCALE_SHARE = 0.8
MOST_CLASSES = 50
MOST_CODES = 20
NAMED = 6
FEW_VALUES = 12
LEAST_PER_CLASS = 5
LEAST_LABELLED = 20
MANY = 100
"""This many whole numbers that are all different are ids, not measurements."""
TERM_SEPARATORS = ("|", ";", ",")


@dataclass(frozen=True)
class Column:
    """`values` by track_id, for labelled tracks only: text, float64 (number), or the frame `track_id, term, weight`.

    `why` describes the column, for the study file's comments. `order`: the levels of an ordinal column, least first.
    """

    name: str
    kind: Kind
    values: pd.Series | pd.DataFrame
    why: str
    order: tuple[str, ...] = ()

    @property
    def names_a_group(self) -> bool:
        return self.kind == "group" or (self.kind == "classes" and self.name in GROUP_NAMES)


def recognise(name: str, texts: pd.Series) -> Column:
    """The kind of a column, from the text of each track (index track_id, "" if it has none)."""
    texts = texts.astype(str).str.strip()
    given = texts[texts != ""]
    n, n_distinct = len(given), given.nunique()
    if n < LEAST_LABELLED:
        return Column(name, "none", given, f"{n} of {len(texts)} tracks have a label")
    usual, share = given.mode()[0], (given == given.mode()[0]).mean()
    if share >= NEARLY_ALL:
        nearly = "constant" if n_distinct == 1 else f"nearly constant: {share:.1%} of its tracks are"
        return Column(name, "none", given, f"{nearly} {usual!r}")
    for seen in (_notes(name, given), _scale(name, given), _terms(name, given), _numbers(name, given)):
        if seen is not None:
            left = n - (seen.values["track_id"].nunique() if seen.kind == "terms" else len(seen.values))
            return replace(seen, why=f"{seen.why}; {left} tracks with other text have no label") if left else seen
    return _classes(name, given)


def _notes(name: str, texts: pd.Series) -> Column | None:
    numbers = texts.map(midi_number).dropna().astype(float)
    letters = texts.str.lower().str[0].nunique()  # a1, a2, a3 are not notes
    if len(numbers) < NEARLY_ALL * len(texts) or numbers.nunique() < 3 or letters < 2:
        return None
    why = f"{numbers.nunique()} note names as MIDI numbers, {numbers.min():g} to {numbers.max():g} (A4 is 69)"
    return Column(name, "number", numbers, why)


def _scale(name: str, texts: pd.Series) -> Column | None:
    placed = on_a_scale(texts, SCALE_SHARE)
    if placed is None:
        return None
    values, levels = placed
    return Column(name, "ordinal", values, f"{len(levels)} levels: {' < '.join(levels)}", levels)


def _terms(name: str, texts: pd.Series) -> Column | None:
    """A column whose cells hold several terms that recur from track to track."""
    for separator in TERM_SEPARATORS:
        if texts.str.contains(separator, regex=False).mean() < 0.2:
            continue
        terms = texts.str.split(separator).explode().str.strip()
        terms = terms[terms != ""]
        if 2 * terms.nunique() <= len(terms):
            return as_terms(name, pd.DataFrame({"track_id": terms.index, "term": terms.to_numpy(), "weight": 1.0}))
    return None


def as_terms(name: str, rows: pd.DataFrame) -> Column:
    """A column of kind terms from the rows `track_id, term, weight`."""
    per_track = len(rows) / rows["track_id"].nunique()
    return Column(name, "terms", rows, f"{rows['term'].nunique()} terms, {per_track:.1f} per track")


def _numbers(name: str, texts: pd.Series) -> Column | None:
    values = pd.to_numeric(texts, errors="coerce").astype(float)
    values = values[np.isfinite(values)]
    zero_led = texts.str.fullmatch(r"0\d+").any() and texts.str.len().nunique() > 1  # 025, 05, 1: not amounts
    if len(values) < NEARLY_ALL * len(texts) or zero_led:
        return None
    n_distinct, low, high = values.nunique(), values.min(), values.max()
    whole = bool((values % 1 == 0).all())
    in_a_row = whole and high - low + 1 == n_distinct
    dense = 2 * n_distinct > high - low
    if whole and ((n_distinct == len(values) and (dense or n_distinct >= MANY)) or (name in COUNTERS and dense)):
        return Column(name, "none", texts, f"a serial number, {low:g} to {high:g}")
    codes = in_a_row and low in (0, 1) and n_distinct <= MOST_CODES and name not in GROUP_NAMES
    if codes and values.value_counts().min() >= LEAST_PER_CLASS:
        texts = values.astype(int).astype(str)
        return Column(
            name, "classes", texts, f"{n_distinct} codes, {low:g} to {high:g}, treated as names rather than amounts"
        )
    if name in GROUP_NAMES:
        return None
    return Column(name, "number", values, f"{n_distinct} different numbers, {low:g} to {high:g}")


def _classes(name: str, texts: pd.Series) -> Column:
    counts = texts.value_counts()
    if len(counts) > NEARLY_ALL * len(texts):
        return Column(name, "none", texts, "different for nearly every track")
    frequent = counts[counts >= LEAST_PER_CLASS]
    if len(counts) <= MOST_CLASSES and len(frequent) >= 2 and frequent.sum() >= 0.5 * len(texts):
        return Column(name, "classes", texts, _classes_summary(counts))
    return Column(name, "group", texts, f"{len(counts)} names with {len(texts) / len(counts):.1f} tracks each")


def _classes_summary(counts: pd.Series) -> str:
    """The number of classes, their sizes and, if they are few, their names."""
    named = f": {', '.join(sorted(map(str, counts.index)))}" if len(counts) <= NAMED else ""
    sizes = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    return f"{len(counts)} classes of {sizes} tracks{named}"


def numbering(texts: pd.DataFrame, columns: Sequence[Column]) -> list[Column]:
    """`columns` of file names; a number that only distinguishes otherwise identical names becomes a serial number.

    `texts` has the text of each field (columns, in the order of `columns`) of each file.
    """
    recognised = []
    for column, name in zip(columns, texts.columns, strict=True):
        counts = column.kind == "number" and column.values.min() in (0, 1) and (column.values % 1 == 0).all()
        others = texts.drop(columns=name)
        if counts and not texts.duplicated().any() and others.duplicated(keep=False).mean() > NEARLY_ALL:
            why = f"a serial number, {column.values.min():g} to {column.values.max():g}: the rest of the name repeats"
            column = replace(column, kind="none", why=why)
        recognised.append(column)
    return recognised


def plain_name(header: str) -> str:
    """A column's header as a valid name in the study file: a-z, 0-9 and _, not too long. `self` is reserved."""
    plain = unicodedata.normalize("NFKD", header).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[: LONGEST_NAME // 2].strip("_") or "column"
    return "self_" if name == "self" else name
