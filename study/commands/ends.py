"""How a command ends: on a signal in one line, and not at all because nobody reads what it prints."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from study.core.errors import printable

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what schedulers send."""


@contextmanager
def ending_by_signals() -> Iterator[None]:
    """Within, the first signal raises KeyboardInterrupt, and the exit status is 128 and its number; others are ignored.

    A signal that was ignored before stays so, as of commands in the background.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # what follows puts things in order
        received.append(number)
        raise KeyboardInterrupt

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    except SystemExit:
        if received:
            sys.exit(128 + received[0])
        raise
    except KeyboardInterrupt:
        sys.exit(128 + (received or [signal.SIGINT])[0])


def open_standard_streams() -> None:
    """Standard streams that whoever started this has closed go nowhere, or files of ours would take their place."""
    for descriptor, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False))


def print_line(line: str, stream: TextIO) -> None:
    """Print a line (or lines); if its reader went away, this and all that follows go nowhere."""
    try:
        print("\n".join(map(printable, line.split("\n"))), file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
