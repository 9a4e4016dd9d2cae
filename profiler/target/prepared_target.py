"""A target made ready: its server runs (or none is needed), and nobody else measures on this host."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import onnxruntime as ort

from profiler.common.errors import ServerError
from profiler.common.locks import alone_on_host
from profiler.common.profile_settings import DAY_S
from profiler.common.target import Target
from profiler.load_generator.reference import InProcessReference
from profiler.load_generator.served_reference import ServedReference
from profiler.load_generator.speeds import Speeds
from profiler.records.base import ReferenceKind, Timed
from profiler.records.complexity import BackendKind, Fingerprint
from profiler.records.profile import Profile
from profiler.records.profile_files import check_kept
from profiler.runtimes.kserve.host import V2Host
from profiler.runtimes.kserve.own_triton import OwnTriton
from profiler.runtimes.own_process import OwnProcess
from profiler.runtimes.served import Host
from profiler.system.machine import split_cores
from profiler.target.early_check import check_target
from profiler.target.identity import fingerprint

PROFILER = "the profiler on this host"


@dataclass(frozen=True)
class PreparedTarget:
    """What every measurement on a target shares; `server_cores` and `client_cores` differ where there are enough.

    `served_reference` is `None` where nothing is served. `speeds` are the readings of each reference on this machine.
    """

    name: str
    target: Target
    fingerprint: Fingerprint
    host: Host
    reference: InProcessReference
    server_cores: list[int]
    client_cores: list[int]
    served_reference: ServedReference | None = None
    speeds: dict[ReferenceKind, Speeds] = field(default_factory=lambda: {"in process": Speeds(), "served": Speeds()})

    def learn(self, profiles: Iterable[Profile]) -> None:
        """Takes over the undisturbed readings of earlier profiles on this machine, unless it has readings.

        Raises `BadInputError` for a profile with a figure that no machine measures.
        """
        if any(one.readings_per_s for one in self.speeds.values()):
            return
        for profile in profiles:
            check_kept(profile)
            for kind, per_s in readings(profile):
                self.speeds[kind].add([per_s])


def readings(profile: Profile) -> Iterator[tuple[ReferenceKind, float]]:
    """The rates of the references beside the undisturbed points of a profile."""
    for point in profile.points():
        if isinstance(point, Timed) and not point.noise.disturbed and point.noise.reference_per_s is not None:
            yield point.noise.reference, point.noise.reference_per_s


@contextmanager
def prepared_target(name: str, target: Target, wait_s: float = DAY_S) -> Iterator[PreparedTarget]:
    """Makes a target ready, alone on this host, and takes everything down again.

    It waits up to `wait_s` for another run that measures here, and raises `InUseError` after that time. Raises the
    errors of `check_target` before the wait, and `ServerError` where the server does not come up.
    """
    check_target(target)
    server_cores, client_cores = split_cores(target.cores)
    with ExitStack() as stack:
        stack.enter_context(alone_on_host(PROFILER, wait_s))
        host, kind, onnxruntime_version = open_host(target, server_cores, stack)
        found = fingerprint(target, host.version(), kind, onnxruntime_version)
        served = host.address is not None and target.runtime == "triton"
        served_reference = stack.enter_context(ServedReference(host, target.cores, client_cores)) if served else None
        reference = InProcessReference(server_cores)
        yield PreparedTarget(name, target, found, host, reference, server_cores, client_cores, served_reference)
        if served_reference is not None:
            with suppress(ServerError):
                served_reference.unload()


def open_host(target: Target, cores: list[int], stack: ExitStack) -> tuple[Host, BackendKind, str | None]:
    """Where the target serves, closed with the stack; the kind of its backend, and its ONNX Runtime's version."""
    if target.endpoint is not None:
        return stack.enter_context(V2Host(target)), "unknown", None
    if target.runtime == "triton":
        server = OwnTriton(target, cores)
        stack.callback(server.close)
        return server, server.installation.backend_kind, server.installation.onnxruntime_version()
    return OwnProcess(target), "in-process", ort.__version__
