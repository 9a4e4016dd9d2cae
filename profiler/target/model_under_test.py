"""One file on a prepared target: loaded as each point needs it, with the answers that it must give."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import psutil

from profiler.common.batching import MAX_BATCH
from profiler.common.errors import ServerError
from profiler.common.target import Resources, Target
from profiler.load_generator.reference import Reference
from profiler.records.memory import Usage
from profiler.runtimes.inputs import input_shapes
from profiler.runtimes.served import Expectation, Host, Served
from profiler.runtimes.session import input_tensor, open_session
from profiler.runtimes.torch_program import load_torch
from profiler.system.cpu_limit import cpu_limit
from profiler.system.machine import pinned
from profiler.system.monitor.allocator import AllocatorState, current_allocator
from profiler.system.processes import cpu_seconds, pin, tree, usage
from profiler.target.co_runner import CoRunner
from profiler.target.disturbance import Others, Watch, own_seconds
from profiler.target.prepared_target import PreparedTarget


class ModelUnderTest:
    """A model under measurement, out of its server again when the block ends.

    `shapes` are its inputs' without the batch
    axis, the first of which all but latency is measured with; `samples` are the raw values of every figure, by name.
    Disturbed slices took `thrown_s`, and a point takes up to `patience` times its usual time for their sake. With
    `monitor` the state of the machine is recorded before each first inference.
    A server knows it under a `name` of ours, whatever its file and folder are called, as Triton has a shell read it.
    """

    def __init__(
        self,
        prepared: PreparedTarget,
        path: Path,
        input_sizes: Sequence[int] = (),
        name: str = "dnn-porting-subject",
        co_runner: CoRunner | None = None,
    ) -> None:
        self.prepared, self.path, self.co_runner = prepared, path, co_runner
        self.name = prepared.target.model if prepared.target.runtime == "v2" and prepared.target.model else name
        self.shapes = input_shapes(input_tensor(open_session(path, threads=1)), input_sizes)
        self.samples: dict[str, np.ndarray] = {}
        self.thrown_s, self.patience, self.monitor = 0.0, 1.0, False
        self.expectation = Expectation(path, MAX_BATCH, self.shapes[0])
        self._served: tuple[Resources, Served] | None = None
        self._limits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Who presses Ctrl-C waits for no server that ends with us.
        if kind is KeyboardInterrupt and self.visible:
            return
        with suppress(ServerError):
            self.unload()

    @property
    def target(self) -> Target:
        """The target that the model is measured on."""
        return self.prepared.target

    @property
    def host(self) -> Host:
        """The host that serves the model."""
        return self.prepared.host

    @property
    def own(self) -> Resources:
        """The target's own resources."""
        return self.target.resources

    @property
    def runtime(self) -> str:
        """The name of the host in every point."""
        return self.host.runtime

    @property
    def in_process(self) -> bool:
        """Whether the model is called in the profiler's own process, without a server."""
        return self.host.address is None

    @property
    def visible(self) -> bool:
        """Whether the processes that serve the model can be seen from here."""
        return self.host.process is not None

    def cpu_seconds(self) -> float | None:
        """Processor time that the serving processes have used, `None` where they cannot be seen from here."""
        return None if self.host.process is None else cpu_seconds(self.host.process)

    def cpu_seconds_since(self, before_s: float | None) -> float | None:
        """Processor time that the serving processes have used since `cpu_seconds` gave `before_s`."""
        now_s = self.cpu_seconds()
        return None if now_s is None or before_s is None else now_s - before_s

    def processes(self) -> list[psutil.Process]:
        """The serving processes that can be seen from here."""
        return [] if self.host.process is None else tree(self.host.process)

    def allocator(self) -> Callable[[], AllocatorState] | None:
        """The reader of torch's CUDA allocator, `None` where torch does not serve on a GPU."""
        on_gpu = self.runtime == "torch" and self.target.providers[0] == "cuda"
        return partial(current_allocator, load_torch()) if on_gpu else None

    def usage(self) -> Usage | None:
        """What the serving processes use, `None` where they cannot be seen from here."""
        return None if self.host.process is None else usage(self.host.process)

    def expected_per_s(self, resources: Resources) -> float:
        """The inputs per second that these resources should answer at most, by one inference on one thread."""
        return resources.threads * resources.instances / self.expectation.input_s

    def serve(self, resources: Resources | None = None) -> Served:
        """The loaded model with these resources (the target's own by default), loaded where it is not so already."""
        wanted = resources or self.own
        if self._served is None or self._served[0] != wanted:
            return self.load(wanted)
        return self._served[1]

    def load(self, resources: Resources) -> Served:
        """The model, loaded afresh."""
        self.unload()
        # First the cores: what loading starts inherits them, and OpenVINO starts no more threads than it finds cores.
        self.pin(resources)
        with self.driving(resources):
            served = self.host.load(self.name, self.path, resources)
        self._limit(resources)
        self._served = resources, served
        return served

    def at_size(self, shape: tuple[int, ...], batch: int) -> Self:
        """The same loaded model for batches of another of its shapes; server and samples are shared."""
        self.serve()
        found = copy(self)
        found.shapes, found.expectation = [shape], Expectation(self.path, batch, shape)
        return found

    def unload(self) -> None:
        """Takes the model out of its server."""
        self._forget()
        self.host.unload(self.name)

    def recover(self) -> None:
        """After a failure: a server of our own is started again, and the next `serve` loads the model."""
        self._forget()
        if self.prepared.served_reference is not None:
            self.prepared.served_reference.forget()
        if not self.host.restart():
            self.host.unload(self.name)

    def alone(self) -> None:
        """Takes the served reference out of the server, so that what the serving processes use is this model's."""
        if self.prepared.served_reference is not None:
            self.prepared.served_reference.unload()

    def _forget(self) -> None:
        self._served = None
        self._limits.close()

    def reference(self, resources: Resources | None = None) -> Reference:
        """The reference beside this model with these resources (the target's own by default).

        The served reference has the target's own resources, so it is beside no others.
        """
        served = self.prepared.served_reference
        if served is None or served.refused() or replace(resources or self.own, batching=None) != self.own:
            return self.in_process_reference
        return Reference("served", served.rate_per_s, self.prepared.speeds["served"])

    @property
    def in_process_reference(self) -> Reference:
        """The reference beside a model in this process."""
        return Reference("in process", self.prepared.reference.rate_per_s, self.prepared.speeds["in process"])

    def watch(self, reference: Reference, cores: Sequence[int], seconds: float, fewest: int) -> Watch:
        """A watch over slices of `seconds` together, and at least the `fewest`, on these cores."""
        pids = {os.getpid(), *(one.pid for one in self.processes())}
        return Watch(reference, Others(cores, self._ours_s, frozenset(pids)), seconds, fewest, self.patience)

    def _ours_s(self) -> float | None:
        used_s = self.cpu_seconds()
        return used_s if used_s is None or self.in_process else used_s + own_seconds()

    def cores(self, resources: Resources) -> list[int]:
        """The cores that these resources stand for; a fraction of a core has that core."""
        everything = [*self.prepared.server_cores, *self.prepared.client_cores]
        unique = list(dict.fromkeys(everything))
        return unique[: math.ceil(resources.cores)]

    def pin(self, resources: Resources) -> None:
        """Binds the server, where it is a process of its own that we see, to the cores of these resources."""
        if self.host.process is not None and not self.in_process:
            pin(self.host.process, self.cores(resources))

    def _limit(self, resources: Resources) -> None:
        """Holds that server to a part of its core where these resources are that."""
        if self.host.process is not None and not self.in_process and resources.cores != int(resources.cores):
            pids = [one.pid for one in tree(self.host.process)]
            self._limits.enter_context(cpu_limit(pids, resources.cores))

    @contextmanager
    def driving(self, resources: Resources | None = None) -> Iterator[None]:
        """Keeps the load generator on its own cores, or with the model where both are one process."""
        wanted = resources or self.own
        with pinned(self.cores(wanted) if self.in_process else self.prepared.client_cores):
            yield
