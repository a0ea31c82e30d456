"""Why a step failed, and what is done about it.

A training that diverges is not a failure but an outcome, recorded as such and not tried again.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

LOST = "lost"
"""The worker or its node was lost: tried again."""
GPU_MEMORY = "gpu-memory"
HOST_MEMORY = "host-memory"
DISK_FULL = "disk-full"
"""No space in the store: the launch stops, since every other step would fail too."""
ERROR = "error"
"""A bug or bad data: reported; other steps continue."""


class BackendLost(Exception):
    """What runs the steps has gone, and all steps in flight with it; the message says what."""


LOST_TRIES = 5
"""How often in a row a step may lose its worker before it fails: a step that kills its worker would otherwise be
retried forever."""


@dataclass(frozen=True)
class Failure:
    """One of the causes above, and a message."""

    cause: str
    message: str


def failure_of(error: BaseException) -> Failure:
    """The failure for an exception raised within a step."""
    message = f"{type(error).__name__}: {error}".strip()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(DISK_FULL, message)
    if isinstance(error, MemoryError):
        return Failure(HOST_MEMORY, message)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, recognised by name so as not to import torch
        return Failure(GPU_MEMORY, message)
    return Failure(ERROR, message)


def is_tried_again(failure: Failure, tries: int) -> bool:
    """Whether a step that has failed this often in a row is started again."""
    return failure.cause == LOST and tries < LOST_TRIES
