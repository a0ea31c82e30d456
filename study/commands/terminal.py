"""What commands print: results to standard output, progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from study.commands.ends import print_line

if TYPE_CHECKING:
    from study.display.shown import Draw


def tell(line: str) -> None:
    """A line of progress, to standard error: standard output is for results. Work outlives whoever reads it."""
    print_line(line, sys.stderr)


def print_drawn(facts: Mapping[str, Any], draw: Draw) -> None:
    """A result as it is drawn, to standard output."""
    from rich.console import Console

    draw(facts, Console(highlight=False))
    sys.stdout.flush()
