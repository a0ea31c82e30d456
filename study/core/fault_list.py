"""A CSV file of all faults, for when there are too many to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from study.core.errors import Fault, InputFaults, are_shown_in_part, shown
from study.core.writing import remove, write_whole

COLUMNS = ("file", "key", "value", "expected", "nearest")


@contextmanager
def listing_faults_in(path: Path) -> Iterator[None]:
    """If the faults raised inside are abridged in print, write all of them to the CSV file `path` and name it.

    An earlier list at `path` is removed.
    """
    try:
        yield
    except InputFaults as error:
        raise InputFaults(error.faults, list_faults(error.faults, path)) from None
    list_faults((), path)


def in_short(faults: Sequence[Fault], path: Path) -> str:
    """The faults as printed and, if some are left out, the name of the file `path` that lists all of them."""
    return "\n".join([*shown(faults), *list_faults(faults, path).splitlines()])


def list_faults(faults: Sequence[Fault], path: Path) -> str:
    """Write all faults to `path` if some are not printed, and return a line that says so. Otherwise remove the file."""
    if not are_shown_in_part(faults):
        remove(path)
        return ""
    import pandas as pd  # here, so that `study --help` loads none of it

    from study.core.content import csv_bytes

    rows = pd.DataFrame([[getattr(fault, name) for name in COLUMNS] for fault in faults], columns=COLUMNS, dtype=object)
    try:
        write_whole(path, csv_bytes(rows))
    except OSError as error:
        return f"the list of all {len(faults)} faults could not be written: {error}"
    return f"all {len(faults)} faults are listed in {path}"
