"""Names from file names: `{instrument}_{pitch}_{dynamics}`, with folders before slashes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from study.core.errors import Fault, InputFaults, raise_all

FIELD = re.compile(r"\{([^{}]*)\}")
UNNAMED = "_"
"""`{_}` stands for any text that is not wanted."""
FOLDER = "{parent}"
"""The folder that a file lies in; as the whole pattern, whatever the file's name."""
SHOWN = 3


def read_names(pattern: str, files: Sequence[Path]) -> pd.DataFrame:
    """The text of each field of `pattern` (columns) for each of `files` (rows), "" where a name does not fit.

    `files` are relative to the folder of sound. A field holds neither what follows it in the pattern nor what separates
    it from the one before, so that a name has one reading or none; no field crosses a folder. Raises InputFaults if the
    pattern is wrong or fits no name.
    """
    if pattern == FOLDER:
        pattern = FOLDER + "/{_}"
    names = [name for name in FIELD.findall(pattern) if name != UNNAMED]
    raise_all(_pattern_faults(pattern, names))
    shape = re.compile(_expression(pattern))
    depth = pattern.count("/")
    rows = []
    for file in files:
        folders = file.parts[:-1][len(file.parts) - 1 - depth :]
        found = shape.fullmatch("/".join((*folders, file.stem)))
        rows.append(found.groups() if found else ("",) * len(names))
    table = pd.DataFrame(rows, columns=names, dtype=object)
    if not len(table) or (table == "").all(axis=None):
        shown = ", ".join(str(file) for file in files[:SHOWN])
        raise InputFaults([Fault("", "--pattern", pattern, f"fits none of {len(files)} file names, such as {shown}")])
    return table


def likely_pattern(files: Sequence[Path]) -> str | None:
    """A pattern that would fit most of the files, for the user to give names to; None where names share no form."""
    parts = pd.Series([file.stem.count("_") + 1 for file in files])
    usual, share = parts.mode()[0], (parts == parts.mode()[0]).mean()
    named = [f"name{number}" for number in range(1, usual + 1)] if usual > 1 and share > 0.9 else []
    folders = pd.Series([str(file.parent) for file in files])
    nested = folders.nunique() > 1 and (folders != ".").all()
    if not named and not nested:
        return None
    text = "_".join(f"{{{name}}}" for name in named) or "{_}"
    return f"{FOLDER}/{text}" if nested else text


def _expression(pattern: str) -> str:
    pieces = FIELD.split(pattern)  # text, field, text, field, ..., text
    found = re.escape(pieces[0])
    for before, field, after in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        ends = re.escape(after[:1] + re.sub(r"[^\W_]", "", before[-1:]))
        found += (r"[^/]*" if field == UNNAMED else f"([^/{ends}]+)") + re.escape(after)
    return found


def _pattern_faults(pattern: str, names: Sequence[str]) -> list[Fault]:
    def fault(expected: str, nearest: str | None = None) -> Fault:
        return Fault("", "--pattern", pattern, expected, nearest)

    faults = [fault(f"{name} is there twice; expected each name once") for name in dict.fromkeys(names)
              if names.count(name) > 1]  # fmt: skip
    for name in names:
        if not re.fullmatch(r"[a-z0-9_-]+", name):
            usable = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).strip("_")
            faults.append(fault(f"{name!r} is no name; expected a-z, 0-9, _ and -", usable or None))
    if not names:
        faults.append(fault('expected names in braces, such as "{instrument}_{pitch}", or "{parent}" for the folder'))
    if "}{" in pattern:
        faults.append(fault("two names touch; expected some text between them"))
    return faults
