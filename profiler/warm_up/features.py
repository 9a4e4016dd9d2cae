"""The features of the predictor, all known before the first inference."""

import math
from dataclasses import dataclass

from profiler.system.monitor.paper_features import follow
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
    """The product of the fields at these paths of a situation in a unit, unknown where the system reports none."""

    unit: str
    paths: tuple[str, ...]
    divisor: float = 1.0


# The features of the batch are products of others, since a forest cannot multiply.
# 32-bit floats do not distinguish large numbers of bytes, so memory is in MiB.
FEATURES: dict[str, Feature] = {
    "batch": Feature("1", ("batch",)),
    "batch_macs": Feature("10⁹", ("batch", "size.macs"), 1e9),
    "batch_activation_bytes": Feature("MiB", ("batch", "size.activation_bytes"), MIB),
    "macs": Feature("10⁹", ("size.macs",), 1e9),
    "activation_bytes": Feature("MiB", ("size.activation_bytes",), MIB),
    "parameters": Feature("10⁶", ("size.parameters",), 1e6),
    "layers": Feature("1", ("size.layers",)),
    "file_bytes": Feature("MiB", ("size.file_bytes",), MIB),
    "involuntary_switches": Feature("1", ("state.process.involuntary_switches",)),
    "rss_bytes": Feature("MiB", ("state.process.rss_bytes",), MIB),
    "vms_bytes": Feature("MiB", ("state.process.vms_bytes",), MIB),
    "shared_bytes": Feature("MiB", ("state.process.shared_bytes",), MIB),
    "data_bytes": Feature("MiB", ("state.process.data_bytes",), MIB),
    "available_bytes": Feature("MiB", ("state.memory.available_bytes",), MIB),
    "allocator_requested_bytes": Feature("MiB", ("state.allocator.requested_bytes.all.current",), MIB),
    "allocator_allocated_bytes": Feature("MiB", ("state.allocator.allocated_bytes.all.current",), MIB),
    "allocator_large_pool_bytes": Feature("MiB", ("state.allocator.allocated_bytes.large_pool.current",), MIB),
}


def values(situation: Situation) -> dict[str, float | None]:
    """Every feature by name."""
    found = {name: [follow(vars(situation), path) for path in one.paths] for name, one in FEATURES.items()}
    return {
        name: None if None in numbers else math.prod(numbers) / FEATURES[name].divisor
        for name, numbers in found.items()
    }
