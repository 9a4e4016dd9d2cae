"""The features of the predictor, all known before the first inference."""

from collections.abc import Callable
from dataclasses import dataclass

from profiler.system.monitor.system_state import SystemState
from profiler.warm_up.observations import NetworkSize

MIB = 2**20


@dataclass(frozen=True)
class Situation:
    """A loaded program before its first batch: the batch, the network's size, and the system's state."""

    batch: int
    size: NetworkSize
    state: SystemState


@dataclass(frozen=True)
class Feature:
    """A number about a situation, unknown where the system does not report it."""

    unit: str
    read: Callable[[Situation], float | None]


def mib(read: Callable[[Situation], int | None]) -> Feature:
    """A feature in MiB: 32-bit floats do not distinguish large numbers of bytes."""

    def scaled(situation: Situation) -> float | None:
        value = read(situation)
        return None if value is None else value / MIB

    return Feature("MiB", scaled)


def process(name: str) -> Callable[[Situation], int | None]:
    """A reader of one figure of the serving process."""
    return lambda situation: getattr(situation.state.process, name, None)


def allocator(name: str, pool: str) -> Callable[[Situation], int | None]:
    """A reader of one present figure of torch's CUDA allocator."""

    def read(situation: Situation) -> int | None:
        pools = getattr(situation.state.allocator, name, None)
        return None if pools is None else int(getattr(pools, pool).current)

    return read


# The features of the batch are products of others, since a forest cannot multiply.
FEATURES: dict[str, Feature] = {
    "batch": Feature("1", lambda situation: situation.batch),
    "batch_macs": Feature("10⁹", lambda situation: situation.batch * situation.size.macs / 1e9),
    "batch_activation_bytes": mib(lambda situation: situation.batch * situation.size.activation_bytes),
    "macs": Feature("10⁹", lambda situation: situation.size.macs / 1e9),
    "activation_bytes": mib(lambda situation: situation.size.activation_bytes),
    "parameters": Feature("10⁶", lambda situation: situation.size.parameters / 1e6),
    "layers": Feature("1", lambda situation: situation.size.layers),
    "file_bytes": mib(lambda situation: situation.size.file_bytes),
    "involuntary_switches": Feature("1", process("involuntary_switches")),
    "rss_bytes": mib(process("rss_bytes")),
    "vms_bytes": mib(process("vms_bytes")),
    "shared_bytes": mib(process("shared_bytes")),
    "data_bytes": mib(process("data_bytes")),
    "available_bytes": mib(lambda situation: situation.state.memory.available_bytes),
    "allocator_requested_bytes": mib(allocator("requested_bytes", "all")),
    "allocator_allocated_bytes": mib(allocator("allocated_bytes", "all")),
    "allocator_large_pool_bytes": mib(allocator("allocated_bytes", "large_pool")),
}


def values(situation: Situation) -> dict[str, float | None]:
    """Every feature by name."""
    return {name: feature.read(situation) for name, feature in FEATURES.items()}
