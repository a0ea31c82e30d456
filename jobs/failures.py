"""Why a step failed, and what is done about it.

A training that diverges is not a failure: it is an outcome, recorded as such and not tried again.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

LOST = "lost"
"""The worker or its node went away: tried again."""
GPU_MEMORY = "gpu-memory"
HOST_MEMORY = "host-memory"
DISK_FULL = "disk-full"
"""No space on the store: the launch stops, since every other step would fail too."""
ERROR = "error"
"""A bug or bad data: said, and the rest goes on."""

LOST_TRIES = 5
"""How often in a row one step may lose its worker before it is given up: a step that kills its worker would else
be tried for ever."""


class BackendLost(Exception):
    """What runs the steps has gone, and no step can be started any more; the message says what."""


@dataclass(frozen=True)
class Failure:
    """The cause, one of those above, and the message of what happened."""

    cause: str
    message: str


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception raised within a step stands for."""
    message = f"{type(error).__name__}: {error}".strip()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(DISK_FULL, message)
    if isinstance(error, MemoryError):
        return Failure(HOST_MEMORY, message)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, told by name so that this file imports no torch
        return Failure(GPU_MEMORY, message)
    return Failure(ERROR, message)


def is_tried_again(failure: Failure, tries: int) -> bool:
    """Whether a step that has now failed this often in a row is started again."""
    return failure.cause == LOST and tries < LOST_TRIES
