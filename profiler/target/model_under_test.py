"""One file on a bench: loaded as each point needs it, with the answers that it must give."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from profiler.common.errors import ServerError
from profiler.common.profile_settings import MAX_BATCH
from profiler.common.resources import Resources
from profiler.records.noise import ProbeKind
from profiler.runtimes.served import Expectation, Served
from profiler.runtimes.session import input_shapes, input_tensor, open_session, pinned
from profiler.system.cgroup import cpu_limit
from profiler.system.processes import pin, tree
from profiler.target.prepared_target import Bench


@dataclass(frozen=True)
class Yardstick:
    """A probe, read by `rate_per_s(beside_s)`, and its rate at the machine's normal speed."""

    probe: ProbeKind
    rate_per_s: Callable[[float], float]
    reference_per_s: float


class Subject:
    """A model under measurement, out of its server again when the block ends.

    `reference_per_s` and `served_reference_per_s` are the rates of the probes that count as normal; without the
    second, the probe in this process stands for the served one too. `shapes` are its inputs' without the batch axis,
    the first of which all but latency is measured with; `samples` are the raw values of every figure, by name.
    A server knows it under a `name` of ours, whatever its file and folder are called, as Triton has a shell read it.
    """

    def __init__(
        self,
        bench: Bench,
        path: Path,
        reference_per_s: float,
        input_sizes: Sequence[int],
        served_reference_per_s: float | None = None,
        name: str = "dnn-porting-subject",
    ) -> None:
        self.bench, self.path = bench, path
        self.reference_per_s, self.served_reference_per_s = reference_per_s, served_reference_per_s
        self.name = bench.target.model if bench.target.runtime == "v2" and bench.target.model else name
        self.shapes = input_shapes(input_tensor(open_session(path, threads=1)), input_sizes)
        self.samples: dict[str, np.ndarray] = {}
        self.expectation = Expectation(path, MAX_BATCH, self.shapes[0])
        self._served: tuple[Resources, Served] | None = None
        self._limits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Who presses Ctrl-C waits for no server that ends with us.
        if kind is KeyboardInterrupt and self.bench.host.process is not None:
            return
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
        # First the cores: what loading starts inherits them, and OpenVINO starts no more threads than it finds cores.
        self._pin(resources)
        with self.driving(resources):
            served = self.bench.host.load(self.name, self.path, resources)
        self._limit(resources)
        self._served = resources, served
        return served

    def unload(self) -> None:
        """Takes the model out of its server."""
        self._forget()
        self.bench.host.unload(self.name)

    def recover(self) -> None:
        """After a failure: a server of our own is started again, and the next `serve` loads the model."""
        self._forget()
        if self.bench.served_probe is not None:
            self.bench.served_probe.forget()
        if not self.bench.host.revive():
            self.bench.host.unload(self.name)

    def alone(self) -> None:
        """Takes the served probe out of the server, so that what the serving processes use is this model's."""
        if self.bench.served_probe is not None:
            self.bench.served_probe.unload()

    def _forget(self) -> None:
        self._served = None
        self._limits.close()

    def yardstick(self, resources: Resources | None = None) -> Yardstick:
        """What tells the machine's drift beside this model with these resources (the target's own by default).

        The served probe has the target's own; with others, its rate would tell of those.
        """
        own, served = self.bench.target.resources, self.bench.served_probe
        if served is None or self.served_reference_per_s is None or resources not in (None, own):
            return Yardstick("in process", self.bench.probe.rate_per_s, self.reference_per_s)
        return Yardstick("served", served.rate_per_s, self.served_reference_per_s)

    def cores(self, resources: Resources) -> list[int]:
        """The cores that these resources stand for; a fraction of a core has that core."""
        everything = [*self.bench.server_cores, *self.bench.client_cores]
        unique = list(dict.fromkeys(everything))
        return unique[: math.ceil(resources.cores)]

    def available(self, resources: Resources) -> bool:
        """Whether this machine has that many cores."""
        return math.ceil(resources.cores) <= len({*self.bench.server_cores, *self.bench.client_cores})

    def _pin(self, resources: Resources) -> None:
        """Binds the server, where it is a process of its own that we see, to the cores of these resources."""
        if self.bench.host.process is not None and self.bench.host.address is not None:
            pin(self.bench.host.process, self.cores(resources))

    def _limit(self, resources: Resources) -> None:
        """Holds that server to a part of its core where these resources are that."""
        process = self.bench.host.process
        if process is not None and self.bench.host.address is not None and resources.cores != int(resources.cores):
            pids = [one.pid for one in tree(process)]
            self._limits.enter_context(cpu_limit(pids, resources.cores))

    @contextmanager
    def driving(self, resources: Resources | None = None) -> Iterator[None]:
        """Keeps the load generator on its own cores, or with the model where both are one process."""
        wanted = resources or self.bench.target.resources
        with pinned(self.bench.client_cores if self.bench.host.address else self.cores(wanted)):
            yield
