"""What can go wrong, and what the user reads.

StudyError
├── InputFaults    exit status 2: the study file, a table, a sound file or the usage is wrong; lists every fault
├── MissingExtra   exit status 2: a package that the command needs is not installed
├── RunFailed      exit status 1: the input was fine, but something that ran failed
│   └── Damaged    a file of the store is not what was written; the message has the remedy
└── Interrupted    exit status 130: Ctrl-C
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FAULTS_SHOWN = 5
"""Faults with the same cause that are printed one by one; the rest are counted."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where it is, the value there, what was expected, and the nearest valid name.

    `cause` groups faults of which there may be many: rows, sound files, tracks.
    """

    file: str
    key: str
    value: object
    expected: str
    nearest: str | None = None
    cause: str | None = None

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.file, self.key) if part)
        shown = "" if self.value is None else f" = {_short(self.value)}"
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return printable(f"{where}{shown}: {self.expected}{hint}")


@dataclass(frozen=True)
class Caution:
    """Something allowed that may cause trouble later: where it is, what it is, and a command that fixes it."""

    key: str
    message: str
    command: str | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" + (f"; `{self.command}`" if self.command else "")


class StudyError(Exception):
    """Base of the errors that are printed for the user without a traceback."""

    exit_status = 1

    def __str__(self) -> str:
        return "\n".join(map(printable, super().__str__().split("\n")))


class InputFaults(StudyError):
    """The input is wrong in the ways listed; nothing was run and nothing was lost.

    `faults` holds all of them; the message abridges those with a common cause. `note` is its last line.
    """

    exit_status = 2

    def __init__(self, faults: Iterable[Fault], note: str = "") -> None:
        self.faults, self.note = tuple(faults), note
        super().__init__("\n".join([*shown(self.faults), *note.splitlines()]))

    def __reduce__(self) -> tuple[type[InputFaults], tuple[tuple[Fault, ...], str]]:
        """Pickled by its faults: an error rebuilt from its text would have one fault per character."""
        return type(self), (self.faults, self.note)


class MissingExtra(StudyError):
    """The base install lacks a package; the message has the line to type."""

    exit_status = 2


class RunFailed(StudyError):
    """Something that ran failed; the message says what failed and what was kept."""


class Damaged(RunFailed):
    """A file of the store is not what was written: which, why one can say so, and what makes it again."""

    def __init__(self, path: Path, why: str, remedy: str) -> None:
        self.path, self.why, self.remedy = path, why, remedy
        super().__init__(path, why, remedy)

    def __str__(self) -> str:
        return f"{self.path}: damaged, {self.why}; {self.remedy}"


class Interrupted(StudyError):
    """The user stopped it; the message says what was finished and how to resume."""

    exit_status = 130


def printable(text: str) -> str:
    """The text with what would steer a terminal (control characters, changes of direction) written as in Python.

    Names and messages come from files of strangers.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name closest in spelling to `name`, or None when none is close."""
    names = list(valid)
    folded = {candidate.casefold(): candidate for candidate in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def raise_all(faults: Iterable[Fault]) -> None:
    """Raise `InputFaults` with each fault once, if there are any."""
    listed = distinct(faults)
    if listed:
        raise InputFaults(listed)


def distinct(faults: Iterable[Fault]) -> list[Fault]:
    """The faults in order, without repetitions (two targets may share a broken file)."""
    return list({str(fault): fault for fault in faults}.values())


def are_shown_in_part(faults: Iterable[Fault]) -> bool:
    """Whether `shown` leaves faults out: more than `FAULTS_SHOWN` have the same cause."""
    return any(count > FAULTS_SHOWN for count in Counter(fault.cause for fault in faults if fault.cause).values())


def shown(faults: Iterable[Fault]) -> Iterator[str]:
    """One line per fault, in order: for each cause the first `FAULTS_SHOWN`, then a line that counts the others."""
    faults = list(faults)
    of_cause = Counter(fault.cause for fault in faults)
    so_far: Counter[str | None] = Counter()
    for fault in faults:
        so_far[fault.cause] += 1
        if fault.cause is None or so_far[fault.cause] <= FAULTS_SHOWN:
            yield str(fault)
        elif so_far[fault.cause] == FAULTS_SHOWN + 1:
            yield f"{of_cause[fault.cause] - FAULTS_SHOWN} more: {fault.cause}"


def some(names: Sequence[str], shown: int = 5) -> str:
    """The first few of many names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
