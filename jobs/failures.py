"""Why a step failed, and what is done about it.

A training that diverges is not a failure but an outcome, recorded as such and not tried again.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from study.core.errors import Damaged

LOST = "lost"
"""The worker or its node was lost: tried again."""
GPU_MEMORY = "gpu-memory"
HOST_MEMORY = "host-memory"
DISK_FULL = "disk-full"
"""No space in the store: the launch stops, since every other step would fail too."""
DAMAGED = "damaged"
"""Prepared data or a file of the run is not what was written: made again, then the step is tried again."""
ERROR = "error"
"""A bug or bad data: reported; other steps continue."""

TRIES = {LOST: 5, DAMAGED: 3}
"""How often in a row a step may fail for a cause that passes: a step that kills its worker, or a disk that damages all
that it stores, would otherwise be retried forever."""


class BackendLost(Exception):
    """What runs the steps has gone, and all steps in flight with it; the message says what."""


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
    if isinstance(error, Damaged):
        return Failure(DAMAGED, str(error))
    if isinstance(error, MemoryError):
        return Failure(HOST_MEMORY, message)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, recognised by name so as not to import torch
        return Failure(GPU_MEMORY, message)
    return Failure(ERROR, message)


def is_tried_again(failure: Failure, tries: int) -> bool:
    """Whether a step that has failed this often in a row is started again."""
    return tries < TRIES.get(failure.cause, 0)
