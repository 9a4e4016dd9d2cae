"""One file on a bench: loaded as each point needs it, with the answers that it must give."""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

import numpy as np

from profiler.bench import Bench
from profiler.errors import ServerError
from profiler.level import MAX_BATCH
from profiler.resources import Resources
from profiler.runtimes.served import Expectation, Served
from profiler.runtimes.session import input_shapes, input_tensor, open_session, pinned
from profiler.system.cgroup import cpu_limit
from profiler.system.processes import pin, tree


class Subject:
    """A model under measurement, out of its server again when the block ends.

    `shapes` are its inputs' without the batch axis, the first of which all but latency is measured with;
    `samples` are the raw values of every figure, by name.
    """

    def __init__(self, bench: Bench, path: Path, reference_per_s: float, input_sizes: Sequence[int]) -> None:
        self.bench, self.path, self.reference_per_s = bench, path, reference_per_s
        self.name = bench.target.model or f"dnn-porting-{path.parent.name}"
        self.shapes = input_shapes(input_tensor(open_session(path, threads=1)), input_sizes)
        self.samples: dict[str, np.ndarray] = {}
        self.expectation = Expectation(path, MAX_BATCH, self.shapes[0])
        self._served: tuple[Resources, Served] | None = None
        self._limits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ServerError):
            self.unload()

    def serve(self, resources: Resources | None = None) -> Served:
        """The loaded model with these resources (the target's own by default), loaded where it is not so already."""
        wanted = resources or self.bench.target.resources
        if self._served is None or self._served[0] != wanted:
            return self.load(wanted)
        return self._served[1]

    def load(self, resources: Resources) -> Served:
        """The model, loaded afresh."""
        self.unload()
        served = self.bench.host.load(self.name, self.path, resources)
        self._confine(resources)
        self._served = resources, served
        return served

    def unload(self) -> None:
        """Takes the model out of its server."""
        self._forget()
        self.bench.host.unload(self.name)

    def recover(self) -> None:
        """After a failure: a server of our own is started again, and the next `serve` loads the model."""
        self._forget()
        if not self.bench.host.revive():
            self.bench.host.unload(self.name)

    def _forget(self) -> None:
        self._served = None
        self._limits.close()

    def cores(self, resources: Resources) -> list[int]:
        """The cores that these resources stand for; a fraction of a core has that core."""
        everything = [*self.bench.server_cores, *self.bench.client_cores]
        unique = list(dict.fromkeys(everything))
        return unique[: math.ceil(resources.cores)]

    def available(self, resources: Resources) -> bool:
        """Whether this machine has that many cores."""
        return math.ceil(resources.cores) <= len({*self.bench.server_cores, *self.bench.client_cores})

    def _confine(self, resources: Resources) -> None:
        process = self.bench.host.process
        if process is None or self.bench.host.address is None:
            return
        pin(process, self.cores(resources))
        if resources.cores != int(resources.cores):
            pids = [one.pid for one in tree(process)]
            self._limits.enter_context(cpu_limit(pids, resources.cores))

    @contextmanager
    def driving(self, resources: Resources | None = None) -> Iterator[None]:
        """Keeps the load generator on its own cores, or with the model where both are one process."""
        wanted = resources or self.bench.target.resources
        with pinned(self.bench.client_cores if self.bench.host.address else self.cores(wanted)):
            yield
