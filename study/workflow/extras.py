"""What the base install lacks: torch, torchaudio, Ray and the libraries for sound come with the extra `[train]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from study.core.errors import MissingExtra

TRAIN = {"ray", "safetensors", "soundfile", "soxr", "torch", "torchaudio"}


@contextmanager
def needs_train() -> Iterator[None]:
    """Raise `MissingExtra` with the line to type where a package of the extra `[train]` is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in TRAIN:
            raise
        line = "pip install 'representation-study[train]'"
        raise MissingExtra(f"this needs {package}, which the base install does not have: {line}") from None
