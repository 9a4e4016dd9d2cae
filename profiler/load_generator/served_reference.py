"""The reference network behind the measured server: what slows the answers of one slows those of the other.

A reference inside the profiler's process does not see what the way through a server costs at this moment: copies,
switches between processes, caches that these leave cold. On a busy two-core box it left 2 to 3 % of drift in
repeats of ten seconds; this one leaves half of that.
"""

from contextlib import ExitStack
from typing import Self

import numpy as np

from profiler.common.resources import Resources
from profiler.common.scratch import scratch
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.load_generator.reference import SHARE, SLICE_S, USUAL_SLICES
from profiler.load_generator.reference_network import write_reference
from profiler.runtimes.served import Expectation, Host
from profiler.system.cores import pinned

NAME = "dnn-porting-probe"
CONCURRENCY = 4


class ServedReference:
    """Loaded when it is first asked, on the cores of the server and with one instance of one thread.

    Whatever it is asked raises `ServerError` where the server does not do it.
    """

    def __init__(self, host: Host, cores: int, client_cores: list[int]) -> None:
        self._host, self._cores, self._client_cores = host, cores, client_cores
        self._loop: ClosedLoop | None = None

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._path = self._stack.enter_context(scratch("reference")).folder / "model.onnx"
        write_reference(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rate_per_s(self, beside_s: float = 0.0) -> float:
        """Answers a second over one slice of time, a longer one beside something that takes `beside_s`."""
        with pinned(self._client_cores):
            loop = self._loop = self._loop or self._load()
            answered = loop.run(max(SLICE_S, SHARE * beside_s))
        return answered.counted / answered.seconds

    def usual_rate_per_s(self) -> float:
        """The median over some slices: what counts as this server's speed until another profile says so."""
        return float(np.median([self.rate_per_s() for _ in range(USUAL_SLICES)]))

    def _load(self) -> ClosedLoop:
        served = self._host.load(NAME, self._path, Resources(self._cores, threads=1, instances=1))
        loop = ClosedLoop(served, Expectation(self._path, 1), 1, CONCURRENCY)
        loop.warm_up()
        return loop

    def forget(self) -> None:
        """The server was started again, or lost its models."""
        self._loop = None

    def unload(self) -> None:
        """Takes it out of the server until it is asked again."""
        if self._loop is not None:
            self.forget()
            self._host.unload(NAME)
