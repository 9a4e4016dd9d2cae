"""The observations of a server on this machine: the CPU use of its process, and the demand from its counts."""

import os
import socket
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import psutil

from profiler.common.errors import BadInputError, ServerError
from profiler.system.control_groups import cores_of, group_of
from profiler.system.processes import cpu_seconds

# The longest past that a forecast uses.
KEPT_S = 300


@dataclass(frozen=True)
class Use:
    """The used share (0 to 1) of the `cores` that a server may use, since the last call."""

    share: float
    cores: float


class Usage:
    """The CPU use of the process that listens on the endpoint's port, and of its children.

    Raises `BadInputError` for an endpoint on another host, whose processes are not visible here.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint, self._port = endpoint, local_port(endpoint)
        self._process: psutil.Process | None = None
        self._last = time.monotonic(), 0.0

    def read(self) -> Use:
        """The use since the last call; 0 in the first call, and in the first call for another process on the port.

        Raises `ServerError` where no process listens.
        """
        try:
            if self._process is None or not self._process.is_running():
                self._process = listener(self._endpoint, self._port)
                self._last = time.monotonic(), cpu_seconds(self._process.pid)
                return Use(0.0, cores_for(self._process.pid))
            cores, (then, used_then_s) = cores_for(self._process.pid), self._last
            self._last = now, used_s = time.monotonic(), cpu_seconds(self._process.pid)
        except psutil.Error as error:
            # The process ended, or changed its user, between two reads.
            self._process = None
            raise ServerError(f"{self._endpoint}: the use of its process cannot be read: {error}") from error
        # CPU time has the resolution of ticks, and the time of a child that ends moves to its parent between two reads.
        return Use(min(1.0, max(0.0, (used_s - used_then_s) / (now - then) / cores)), cores)


def local_port(endpoint: str) -> int:
    """The port of an endpoint of this machine; raises `BadInputError` for any other."""
    try:
        address = urlsplit(f"//{endpoint}")
        host, port = address.hostname, address.port
        if host is None or port is None:
            raise ValueError("it is no HOST:PORT")
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"server {endpoint!r} cannot be used ({error}): give HOST:PORT of its gRPC service"
        ) from error
    own = {one.address for addresses in psutil.net_if_addrs().values() for one in addresses}
    if not found & own:
        raise BadInputError(
            f"server {endpoint} is on another host, whose CPU use cannot be read here: run the orchestrator there"
        )
    return port


def listener(endpoint: str, port: int) -> psutil.Process:
    """The process that listens on a port; raises `ServerError` where there is none, or it is another user's."""
    found = {
        one.pid
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port
    }
    processes = []
    for pid in found - {None}:
        with suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    if not processes:
        hidden = "the process that listens there is another user's: run the orchestrator as that user or as root"
        raise ServerError(f"{endpoint}: {hidden if found else 'no process listens there'}")
    # Its children may hold the socket too.
    return min(processes, key=psutil.Process.create_time)


def cores_for(pid: int) -> float:
    """The cores that a process may run on, or its lowest quota where that is less; raises `ServerError` if it ended."""
    try:
        allowed, group = len(os.sched_getaffinity(pid)), group_of(pid)
    except OSError as error:
        raise ServerError(f"process {pid} has ended") from error
    quotas = [] if group is None else [cores for one in group.upwards() if (cores := cores_of(one))]
    return min([float(allowed), *quotas])


class Demand:
    """Requests/s by task, one figure for each observation; the last `KEPT_S` are kept.

    `fell` is true where a count is lower than before: another program than the agent replaced the network.
    """

    def __init__(self, tasks: list[str]) -> None:
        self._counted: dict[str, tuple[float, int]] = {}
        self._recent: dict[str, deque[float]] = {task: deque(maxlen=KEPT_S) for task in tasks}
        self.fell = False

    def observe(self, moment_s: float, counts: Mapping[str, int]) -> dict[str, float]:
        """The rates since the last observation, from the counts at `moment_s` of a monotonic clock.

        The count of a new network starts with its warm-up requests. A count that fell, the first count, and the first
        count after `forget` give no rate: the last rate is repeated, or 0.
        """
        found, self.fell = {}, False
        for task, recent in self._recent.items():
            if (rate_rps := self._rate(task, moment_s, counts.get(task))) is not None:
                recent.append(rate_rps)
            found[task] = recent[-1] if recent else 0.0
        return found

    def forget(self, task: str) -> None:
        """Forgets the count of a task whose network was replaced."""
        self._counted.pop(task, None)

    def rates_rps(self) -> dict[str, np.ndarray]:
        """The kept rates by task in order of time, (observations,)."""
        return {task: np.array(recent, dtype=float) for task, recent in self._recent.items()}

    def _rate(self, task: str, moment_s: float, count: int | None) -> float | None:
        before = self._counted.pop(task, None)
        if count is None:
            return None
        self._counted[task] = moment_s, count
        self.fell |= before is not None and count < before[1]
        if before is None or count < before[1] or moment_s <= before[0]:
            return None
        return (count - before[1]) / (moment_s - before[0])
