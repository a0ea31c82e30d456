"""Runs steps as Ray tasks, on this machine or on a cluster. The one file that imports Ray.

Only ids and paths travel: a task gets the study file and a step, reads the rest from the store, and returns a report.
Ray itself retries nothing (`max_retries=0`); the launch decides what is tried again.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from jobs import failures
from jobs.records import end_open_attempt
from jobs.steps import Kind, Report, Step, execute
from study.core.durations import Slots, slots_of
from study.core.errors import Fault, InputFaults
from study.core.paths import Paths
from study.core.processes import descendants
from study.core.study_file import Study

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# CPU tasks see all devices, as before; Ray's warning about its coming default does not concern users.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
import ray.exceptions

CONNECT_S = 10.0
"""Seconds that an address may take to answer."""

SERVICES = ("gcs_server", "raylet")
"""The programs without which a Ray is none."""
LOOK_S = 0.2
"""How often they are looked at while steps run."""


class RayBackend:
    """The backend on Ray. `address` None starts Ray on this machine; `auto`, HOST:PORT or ray://... joins a cluster.

    A training step holds `gpu_share` of a GPU, if the cluster has any, and one CPU per thread of the study. An
    evaluation holds CPUs only, so that probes run while the next training uses the GPU.
    """

    def __init__(self, study: Study, address: str | None = None, gpu_share: float | None = None) -> None:
        if address not in (None, "auto"):
            _raise_unless_reachable(address)
        self._paths = Paths(study.store)
        self._threads = study.compute.threads
        self._gpu_share = study.cluster.gpu_share if gpu_share is None else gpu_share
        # Ray puts the driver's working directory first on its workers' path. An empty one keeps a user's own
        # modules (an analysis.py, a study.py) from hiding this package.
        self._empty = tempfile.TemporaryDirectory(prefix="study-")
        with contextlib.chdir(self._empty.name), _own_signal_handlers():
            try:
                ray.init(
                    # "local": without an address, Ray would join any cluster that runs on this machine.
                    address=address or "local",
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env=dict(study.cluster.runtime_env) or None,
                )
            except (ConnectionError, ValueError) as error:
                self._empty.cleanup()
                if address is None:
                    raise
                expected = (
                    f"could not join a Ray cluster there ({error}); one with tokens needs RAY_AUTH_MODE=token set "
                    "here too; without --address, Ray starts on this machine"
                )
                raise InputFaults([Fault("", "--address", address, expected)]) from None
        # Of a Ray that was started here; of another one's, whose processes are elsewhere, none.
        self._services = {} if address else {name: of for name, of in descendants(os.getpid()) if name in SERVICES}
        resources = ray.cluster_resources()
        self._gpus = resources.get("GPU", 0.0)
        if self._threads > resources.get("CPU", 0.0):
            self.close()
            raise InputFaults(
                [
                    Fault(
                        "study.toml",
                        "[compute] threads",
                        self._threads,
                        f"expected at most {resources.get('CPU', 0.0):g}, its CPUs",
                    )
                ]
            )
        cluster = study.cluster.model_copy(update={"gpu_share": self._gpu_share})  # a run's share of GPU memory
        self._study = ray.put(study.model_copy(update={"cluster": cluster}))
        self._running: dict[Any, Step] = {}
        self._in_fresh_process = ray.remote(max_calls=1, max_retries=0)(execute)  # which frees GPU memory at its end
        self._in_any_process = ray.remote(max_retries=0)(execute)

    def _needs(self, kind: Kind) -> dict[str, float]:
        gpus = self._gpu_share if kind != "evaluate" and self._gpus else 0.0
        return {"CPU": float(self._threads), "GPU": gpus}

    def has_room(self, kind: Kind) -> bool:
        """Whether the cluster at its present size could start a step of this kind at once."""
        total = ray.cluster_resources()
        taken = [self._needs(running.kind) for running in self._running.values()]
        return all(
            need + sum(other[resource] for other in taken) <= total.get(resource, 0.0) + 1e-9
            for resource, need in self._needs(kind).items()
        )

    def slots(self) -> Slots:
        """How many steps the cluster at its present size runs at a time."""
        total = ray.cluster_resources()
        return slots_of(total.get("CPU", 0.0), total.get("GPU", 0.0), self._threads, self._gpu_share)

    def start(self, step: Step) -> None:
        # Without a GPU there is no memory to free, and a new process takes two seconds to import torch.
        task = self._in_fresh_process if step.kind != "evaluate" and self._gpus else self._in_any_process
        needs = self._needs(step.kind)
        ref = task.options(num_cpus=needs["CPU"], num_gpus=needs["GPU"]).remote(self._study, step)
        self._running[ref] = step

    def next_report(self) -> Report:
        """Wait for any step to end. A lost worker or node is reported too. Raises BackendLost if Ray itself is."""
        ready: list[Any] = []
        while not ready:
            if lost := self._lost():
                raise failures.BackendLost(f"Ray's {' and '.join(lost)} ended unexpectedly")
            ready, _ = ray.wait(list(self._running), num_returns=1, timeout=LOOK_S)
        step = self._running.pop(ready[0])
        try:
            return ray.get(ready[0])
        except ray.exceptions.OutOfMemoryError as error:
            failure = failures.Failure(failures.HOST_MEMORY, str(error).splitlines()[0])
        except ray.exceptions.RayTaskError as error:  # the worker could not even read the step
            failure = failures.failure_of(error.cause or error)
        except ray.exceptions.RayError as error:
            failure = failures.Failure(failures.LOST, str(error).splitlines()[0])
        end_open_attempt(self._paths, step.run.run_id, step.kind, step.targets, failure)  # since the worker could not
        return Report(step, failure)

    def close(self) -> None:
        if self._lost():  # what is left of Ray would wait for the rest, and says so in pages
            atexit.register(_end_at_once)
            for _, process in list(descendants(os.getpid())):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        else:
            ray.shutdown()
        self._empty.cleanup()

    def _lost(self) -> list[str]:
        """Ray's services on this machine that have ended: Ray itself takes up to a minute to notice."""
        return [name for name, process in self._services.items() if not process.is_alive]


def _end_at_once() -> None:
    """The end of this process: what Ray has left in it would wait for what is gone, and crash."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


@contextlib.contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Put back what handled signals before: Ray's own handler prints its C++ stack and aborts."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _raise_unless_reachable(address: str) -> None:
    """Fail at once if nothing listens at the address; Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        expected = "expected auto, HOST:PORT or ray://HOST:PORT"
    else:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
            return
        except (OSError, OverflowError) as error:
            expected = f"nothing answers there ({error}); without --address, Ray starts on this machine"
    raise InputFaults([Fault("", "--address", address, expected)])
