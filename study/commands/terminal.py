"""What commands print: results to standard output, progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from study.commands.ends import print_line

if TYPE_CHECKING:
    from rich.console import Console

Facts = TypeVar("Facts")


def tell(line: str) -> None:
    """A line of progress, to standard error: standard output is for results. Work outlives whoever reads it."""
    print_line(line, sys.stderr)


def print_drawn(facts: Facts, draw: Callable[[Facts, Console], None]) -> None:
    """Draw a result on standard output."""
    from study.display.consoles import console

    draw(facts, console())
    sys.stdout.flush()
