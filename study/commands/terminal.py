"""What commands print: progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys

from study.core.progress import duration as duration  # commands take it from here


def tell(line: str) -> None:
    """A line of progress, to standard error: standard output is for results."""
    print(line, file=sys.stderr, flush=True)
