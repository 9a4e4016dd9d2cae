"""The reference network behind the measured server, so that the same disturbances slow both.

A reference inside the profiler's process does not include the present cost of the server (copies, process switches,
cold caches). It left 2 to 3 % of drift in repeats of ten seconds on a busy two-core machine, twice as much.
"""

from contextlib import ExitStack
from typing import Self

from profiler.common.errors import DnnPortingError
from profiler.common.scratch import scratch
from profiler.common.target import Resources
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.load_generator.reference import SHARE, SLICE_S, write_reference
from profiler.runtimes.served import Expectation, Host
from profiler.system.machine import pinned

NAME = "dnn-porting-probe"
CONCURRENCY = 4


class ServedReference:
    """The reference network on the server's cores, loaded at its first use; raises `ServerError` where that fails."""

    def __init__(self, host: Host, cores: int, client_cores: list[int]) -> None:
        self._host, self._cores, self._client_cores = host, cores, client_cores
        self._loop: ClosedLoop | None = None
        self._refused: str | None = None

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._path = self._stack.enter_context(scratch("reference")).folder / "model.onnx"
        write_reference(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rate_per_s(self, compared_s: float = 0.0) -> float:
        """The answers per second over one slice, a longer one for a measurement that takes `compared_s`."""
        with pinned(self._client_cores):
            loop = self._loop = self._loop or self._load()
            answered = loop.run(max(SLICE_S, SHARE * compared_s))
        return answered.counted / answered.seconds

    def refused(self) -> str | None:
        """The reason why the server cannot serve it beside a model, `None` where it can.

        It is tried once, and once more after a restart of a local server, which may only have ended or hung.
        """
        if self._refused is None:
            self._refused = self._failure()
            if self._refused and self._host.restart():
                self.forget()
                self._refused = self._failure()
        return self._refused or None

    def _failure(self) -> str:
        try:
            self.rate_per_s()
        except DnnPortingError as error:
            return str(error)
        return ""

    def _load(self) -> ClosedLoop:
        served = self._host.load(NAME, self._path, Resources(self._cores, threads=1, instances=1))
        loop = ClosedLoop(served, Expectation(self._path, 1), 1, CONCURRENCY)
        loop.warm_up()
        return loop

    def forget(self) -> None:
        """Forgets the loaded network, as the server restarted or lost its models; the next use loads it again."""
        self._loop = None

    def unload(self) -> None:
        """Removes the network from the server until its next use."""
        if self._loop is not None:
            self.forget()
            self._host.unload(NAME)
