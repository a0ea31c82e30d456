"""What commands print: progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys


def tell(line: str) -> None:
    """A line of progress, to standard error: standard output is for results."""
    print(line, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """ "4s", "3m 05s", "2h 10m", "4d 3h"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"
