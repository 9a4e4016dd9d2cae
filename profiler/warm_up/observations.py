"""First inferences that were observed, and the requests to observe more."""

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from profiler.common.errors import ModelError
from profiler.common.target import Provider
from profiler.records.base import Kind, Record
from profiler.records.complexity import Complexity, Layer
from profiler.system.monitor.system_state import SystemState

FLOAT_BYTES = 4


class NetworkSize(Record):
    """The size of a network for one input; `activation_bytes` are the outputs in fp32 of the `layers` with work."""

    parameters: int = Field(ge=1)
    macs: int = Field(ge=1)
    file_bytes: int = Field(ge=1)
    layers: int = Field(ge=1)
    activation_bytes: int = Field(ge=1)


class WarmUpObservation(Record):
    """The first inference after a load in a fresh process.

    `state` is the system's between the load and the first inference. `warm_ms` is the median of a few inferences
    after it. `reference_per_s` is the rate of the reference around the observation.
    """

    kind: Kind = "measured"
    variant: str
    sha256: str
    machine: str
    torch_version: str
    device: str
    threads: int = Field(ge=1)
    batch: int = Field(ge=1)
    repeat: int = Field(ge=0)
    size: NetworkSize
    state: SystemState
    first_ms: float = Field(gt=0)
    warm_ms: float = Field(gt=0)
    reference_per_s: float = Field(gt=0)


class FailedObservation(Record):
    """An observation that failed."""

    variant: str
    batch: int = Field(ge=1)
    repeat: int = Field(ge=0)
    reason: str


class Request(Record):
    """One observation to make; `input_shape` is that of one input, without the batch axis."""

    variant: str
    path: Path
    sha256: str
    size: NetworkSize
    input_shape: tuple[int, ...]
    batch: int
    repeat: int


class Plan(Record):
    """Observations to make one after the other on `cores`, each within `limit_s`."""

    cores: list[int]
    threads: int
    provider: Provider
    limit_s: float
    requests: list[Request]


def network_size(complexity: Complexity, layers: Sequence[Layer]) -> NetworkSize:
    """The size from a profile's counts; raises `ModelError` where the work or an output shape is unknown."""
    shapes = [layer.output_shape for layer in layers]
    if complexity.macs is None or None in shapes:
        reasons = {reason for one in (complexity, *layers) for reason in one.reasons.values()}
        raise ModelError(
            f"the network's size is not known ({', '.join(sorted(reasons))}): its warm-up cannot be predicted"
        )
    return NetworkSize(
        parameters=complexity.parameters,
        macs=complexity.macs,
        file_bytes=complexity.file_bytes,
        layers=len(layers),
        activation_bytes=FLOAT_BYTES * sum(math.prod(shape) for shape in shapes if shape is not None),
    )
