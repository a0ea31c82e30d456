"""The tokens of a formula, each with its column, so that errors can name the place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"(?P<name>`[^`]+`|(?:[^\W\d]|\.)[\w.]*)|(?P<number>\d+)|(?P<operator>\|\||[-+*:/^()|~,])|(?P<other>\S)"
)


class FormulaError(ValueError):
    """A formula that cannot be read: what was expected, at which `column` (from 1), and the nearest valid name."""

    def __init__(self, column: int, expected: str, nearest: str | None = None) -> None:
        super().__init__(f"column {column}: {expected}")
        self.column, self.expected, self.nearest = column, expected, nearest


@dataclass(frozen=True)
class Token:
    """A name (without its backticks), a number, an operator, or the end (`kind` ""), at `column` from 1."""

    kind: str
    text: str
    column: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a formula, then an end token."""
    for match in TOKEN.finditer(text):
        kind = match.lastgroup or ""
        yield Token(kind, match[0].strip("`") if kind == "name" else match[0], match.start() + 1)
    yield Token("", "", len(text) + 1)
