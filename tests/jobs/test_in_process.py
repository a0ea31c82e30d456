from __future__ import annotations

from jobs.in_process import InProcess
from tests.contracts.backend import BackendContract


class TestInProcess(BackendContract):
    make_backend = InProcess
