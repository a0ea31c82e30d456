from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from jobs.sound.mel_store import MelStore
from study.testing.memory_store import memory_store

MakeStore = Callable[..., MelStore]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make_store() -> MakeStore:
    return memory_store
