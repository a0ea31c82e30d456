from __future__ import annotations

import errno

import pytest

from jobs.failures import (
    DISK_FULL,
    ERROR,
    GPU_MEMORY,
    HOST_MEMORY,
    LOST,
    TRIES,
    Failure,
    failure_of,
    is_tried_again,
)


class OutOfMemoryError(RuntimeError):
    """As torch names its own."""


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DISK_FULL),
        (OSError(errno.EACCES, "Permission denied"), ERROR),
        (MemoryError(), HOST_MEMORY),
        (OutOfMemoryError("CUDA out of memory"), GPU_MEMORY),
        (ValueError("bad"), ERROR),
    ],
)
def test_cause(error: Exception, cause: str) -> None:
    assert failure_of(error).cause == cause
    assert type(error).__name__ in failure_of(error).message


def test_only_a_lost_step_is_tried_again_and_not_for_ever() -> None:
    assert is_tried_again(Failure(LOST, ""), TRIES[LOST] - 1)
    assert not is_tried_again(Failure(LOST, ""), TRIES[LOST])
    assert not any(is_tried_again(Failure(cause, ""), 1) for cause in (DISK_FULL, ERROR, HOST_MEMORY, GPU_MEMORY))
