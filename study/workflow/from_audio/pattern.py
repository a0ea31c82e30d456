"""Labels from file names by a pattern such as `{instrument}_{pitch}_{dynamics}`, with folders before slashes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from study.core.errors import Fault, InputFaults, raise_all

FIELD = re.compile(r"\{([^{}]*)\}")
UNNAMED = "_"
"""`{_}` matches text to be ignored."""
FOLDER = "{parent}"
"""The folder of a file. As the whole pattern, it matches any file name."""
SHOWN = 3


def read_names(pattern: str, files: Sequence[Path]) -> pd.DataFrame:
    """The text of each field of `pattern` (columns) for each of `files` (rows), "" if a name does not match.

    `files` are relative to the folder of sound. A field contains neither the text after it in the pattern nor the
    separator before it, so that a name has at most one reading; no field crosses a folder. Raises InputFaults if the
    pattern is invalid or matches no name.
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
        match = shape.fullmatch("/".join((*folders, file.stem)))
        rows.append(match.groups() if match else ("",) * len(names))
    table = pd.DataFrame(rows, columns=names, dtype=object)
    if not len(table) or (table == "").all(axis=None):
        shown = ", ".join(str(file) for file in files[:SHOWN])
        raise InputFaults([Fault("", "--pattern", pattern, f"matches none of {len(files)} names, such as {shown}")])
    return table


def likely_pattern(files: Sequence[Path]) -> str | None:
    """A pattern that matches most of the files, with fields for the user to name; None if names share no form."""
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
    expression = re.escape(pieces[0])
    for before, field, after in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        ends = re.escape(after[:1] + re.sub(r"[^\W_]", "", before[-1:]))
        expression += (r"[^/]*" if field == UNNAMED else f"([^/{ends}]+)") + re.escape(after)
    return expression


def _pattern_faults(pattern: str, names: Sequence[str]) -> list[Fault]:
    def fault(expected: str, nearest: str | None = None) -> Fault:
        return Fault("", "--pattern", pattern, expected, nearest)

    faults = [
        fault(f"{name} occurs twice; expected each name once") for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    for name in names:
        if not re.fullmatch(r"[a-z0-9_-]+", name):
            usable = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).strip("_")
            faults.append(fault(f"{name!r} is not a valid name; expected a-z, 0-9, _ and -", usable or None))
    if not names:
        faults.append(fault('expected names in braces, such as "{instrument}_{pitch}", or "{parent}" for the folder'))
    if "}{" in pattern:
        faults.append(fault("two names touch; expected some text between them"))
    return faults
