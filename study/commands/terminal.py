"""What commands print: results to standard output, progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.display.shown import Draw


def tell(line: str) -> None:
    """A line of progress, to standard error: standard output is for results."""
    print(line, file=sys.stderr, flush=True)


def print_drawn(facts: Mapping[str, Any], draw: Draw) -> None:
    """A result as it is drawn, to standard output."""
    from rich.console import Console

    draw(facts, Console(highlight=False))
    sys.stdout.flush()
