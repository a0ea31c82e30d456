"""What commands print: results to standard output, progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

Facts = TypeVar("Facts")


def tell(line: str) -> None:
    """A line of progress, to standard error: standard output is for results."""
    print(line, file=sys.stderr, flush=True)


def print_drawn(facts: Facts, draw: Callable[[Facts, Console], None]) -> None:
    """Draw a result on standard output."""
    from rich.console import Console

    draw(facts, Console(highlight=False))
    sys.stdout.flush()
