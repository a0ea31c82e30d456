"""All faults in a file, where they are too many to be printed one by one."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from study.core.errors import Fault, InputFaults, are_shown_in_part, shown
from study.core.paths import write_whole

COLUMNS = ("file", "key", "value", "expected", "nearest")


@contextmanager
def listing_faults_in(path: Path) -> Iterator[None]:
    """Write the faults that are raised in it to the CSV file `path`, and name it, if they are printed only in part.

    A list of earlier faults is removed.
    """
    try:
        yield
    except InputFaults as error:
        raise InputFaults(error.faults, list_faults(error.faults, path)) from None
    list_faults((), path)


def in_short(faults: Sequence[Fault], path: Path) -> str:
    """The faults as they are printed, and the file `path` that lists all of them if some are left out."""
    return "\n".join([*shown(faults), *list_faults(faults, path).splitlines()])


def list_faults(faults: Sequence[Fault], path: Path) -> str:
    """Write all faults to `path` if some of them are not printed, and say so. Otherwise there is no such file."""
    if not are_shown_in_part(faults):
        if path.exists():
            path.unlink()
        return ""

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            rows.writerows([getattr(fault, name) for name in COLUMNS] for fault in faults)

    try:
        write_whole(path, write)
    except OSError as error:
        return f"the list of all {len(faults)} faults could not be written: {error}"
    return f"all {len(faults)} faults are listed in {path}"
