"""Runs steps as Ray tasks, on this machine or on a cluster. The one file that imports Ray.

Only ids and paths travel: a task gets the study file and a step, reads the rest from the store, and returns a report.
Ray itself retries nothing (`max_retries=0`): what is tried again is the launch's to decide.
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
from collections.abc import Iterable, Iterator
from typing import Any

from jobs import failures
from jobs.records import end_open_attempt
from jobs.steps import Report, Step, execute
from study.core.durations import Slots, slots_of
from study.core.errors import Fault, InputFaults
from study.core.paths import Paths
from study.core.study_file import Study

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# A CPU task keeps the devices that it finds: the warning about the coming default says nothing to users.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
import ray.exceptions
from ray._private import worker
from ray._private.ray_constants import PROCESS_TYPE_GCS_SERVER, PROCESS_TYPE_RAYLET

CONNECT_S = 10.0
"""How long an address may take to answer."""
WATCH_S = 1.0
"""How often a launch looks whether its own Ray still runs."""
ESSENTIAL = {PROCESS_TYPE_RAYLET, PROCESS_TYPE_GCS_SERVER}


class RayBackend:
    """The backend on Ray. `address` None starts Ray on this machine; `auto`, HOST:PORT or ray://... joins a cluster.

    A step that trains a network holds `gpu_share` of a GPU where the cluster has any, and the study's threads as CPUs;
    an evaluation holds CPUs only, so that probes run while the next training has the card.
    """

    def __init__(self, study: Study, address: str | None = None, gpu_share: float | None = None) -> None:
        if address not in (None, "auto"):
            _raise_unless_reachable(address)
        self._paths = Paths(study.store)
        self._threads = study.compute.threads
        self._gpu_share = study.cluster.gpu_share if gpu_share is None else gpu_share
        # Ray puts the driver's working directory first on its workers' path: from an empty one, nothing of a
        # user's (an analysis.py, a study.py) stands there before this package.
        self._empty = tempfile.TemporaryDirectory(prefix="study-")
        with contextlib.chdir(self._empty.name), _own_signal_handlers():
            try:
                ray.init(
                    # "local": with none, Ray would join whatever cluster runs on this machine.
                    address=address or "local", include_dashboard=False, log_to_driver=False,
                    logging_level=logging.ERROR, runtime_env=dict(study.cluster.runtime_env) or None,
                )  # fmt: skip
            except (ConnectionError, ValueError) as error:
                self._empty.cleanup()
                if address is None:
                    raise
                expected = (
                    f"no Ray cluster takes us there ({error}); one that asks for a token needs RAY_AUTH_MODE=token set "
                    "here, too; without --address Ray starts on this machine"
                )
                raise InputFaults([Fault("", "--address", address, expected)]) from None
        self._node = worker._global_node if address is None else None
        if self._node is not None:  # what Ray prints of its own to standard output: pages of a raylet that died
            worker.global_worker.threads_stopped.set()
            worker.global_worker.gcs_error_subscriber.close()
        resources = ray.cluster_resources()
        self._gpus = resources.get("GPU", 0.0)
        if self._threads > resources.get("CPU", 0.0):
            self.close()
            raise InputFaults([Fault("study.toml", "[compute] threads", self._threads,
                                     f"the cluster has {resources.get('CPU', 0.0):g} CPUs")])  # fmt: skip
        cluster = study.cluster.model_copy(update={"gpu_share": self._gpu_share})  # how much of the card a run may fill
        self._study = ray.put(study.model_copy(update={"cluster": cluster}))
        self._running: dict[Any, Step] = {}
        self._in_fresh_process = ray.remote(max_calls=1, max_retries=0)(execute)  # its GPU memory goes with it
        self._in_any_process = ray.remote(max_retries=0)(execute)

    def _needs(self, step: Step) -> dict[str, float]:
        gpus = self._gpu_share if step.kind != "evaluate" and self._gpus else 0.0
        return {"CPU": float(self._threads), "GPU": gpus}

    def has_room(self, step: Step) -> bool:
        """Whether the cluster, as large as it is now, could begin the step at once."""
        total = ray.cluster_resources()
        taken = [self._needs(running) for running in self._running.values()]
        return all(
            need + sum(other[kind] for other in taken) <= total.get(kind, 0.0) + 1e-9
            for kind, need in self._needs(step).items()
        )

    def slots(self) -> Slots:
        """How many steps the cluster, as large as it is now, runs at a time."""
        total = ray.cluster_resources()
        return slots_of(total.get("CPU", 0.0), total.get("GPU", 0.0), self._threads, self._gpu_share)

    def start(self, step: Step) -> None:
        # Without a GPU nothing is left behind, and a new process takes two seconds to import torch.
        task = self._in_fresh_process if step.kind != "evaluate" and self._gpus else self._in_any_process
        needs = self._needs(step)
        ref = task.options(num_cpus=needs["CPU"], num_gpus=needs["GPU"]).remote(self._study, step)
        self._running[ref] = step

    def next_report(self) -> Report:
        """Wait for any step to end. A worker or node that died is a report, too.

        Raises BackendLost if the Ray that this started has died.
        """
        ready: list[Any] = []
        while not ready:
            self._raise_if_lost()
            ready, _ = ray.wait(list(self._running), num_returns=1, timeout=WATCH_S)
        step = self._running.pop(ready[0])
        try:
            return ray.get(ready[0])
        except ray.exceptions.OutOfMemoryError as error:
            failure = failures.Failure(failures.HOST_MEMORY, str(error).splitlines()[0])
        except ray.exceptions.RayTaskError as error:  # the step could not even be read by the worker
            failure = failures.failure_of(error.cause or error)
        except ray.exceptions.RayError as error:
            self._raise_if_lost()
            failure = failures.Failure(failures.LOST, str(error).splitlines()[0])
        end_open_attempt(self._paths, step.run.run_id, step.kind, step.targets, failure)  # the worker could not
        return Report(step, failure)

    def close(self) -> None:
        if self._lost():  # its shutdown would wait a minute for what has gone, and its own exit handler too
            atexit.unregister(worker.shutdown)
            atexit.register(_leave)
            _kill_agents(process.pid for _, process in self._node.live_processes())
            self._node.kill_all_processes(check_alive=False, allow_graceful=False)
        else:
            ray.shutdown()
        self._empty.cleanup()

    def _raise_if_lost(self) -> None:
        if lost := self._lost():
            raise failures.BackendLost(f"Ray's {' and '.join(lost)} died")

    def _lost(self) -> list[str]:
        """Which processes have died that the Ray of this machine cannot do without; of a cluster that was joined none.

        Ray itself notices after up to a minute, and prints pages.
        """
        dead = () if self._node is None else (kind for kind, _ in self._node.dead_processes())
        return sorted(set(dead) & ESSENTIAL)


@contextlib.contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Put back what handled signals before: Ray's own handler prints its C++ stack and aborts."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _kill_agents(parents: Iterable[int]) -> None:
    """Kill what Ray's processes have started, which else outlives them by a minute."""
    import psutil  # ships within Ray

    for parent in parents:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(parent).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()


def _leave() -> None:
    """End this process where Python would take down a client of Ray whose server is gone, which crashes."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _raise_unless_reachable(address: str) -> None:
    """Ray itself waits for minutes on an address at which nothing listens."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        expected = "expected auto, HOST:PORT or ray://HOST:PORT"
    else:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
            return
        except (OSError, OverflowError) as error:
            expected = f"nothing answers there ({error}); without --address Ray starts on this machine"
    raise InputFaults([Fault("", "--address", address, expected)])
