from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """As every step of a sweep sets its own number: small probes lose by threads that wait for each other."""
    with threadpool_limits(1):
        yield
