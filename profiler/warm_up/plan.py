"""Which first inferences are to be observed, as it is told to the process that observes them."""

from pathlib import Path

from profiler.common.target import Provider
from profiler.records.base import Record
from profiler.records.predictor import NetworkSize


class Request(Record):
    """One observation to be made; `input_shape` is that of one input, without the batch axis."""

    variant: str
    path: Path
    sha256: str
    size: NetworkSize
    input_shape: tuple[int, ...]
    batch: int
    repeat: int


class Plan(Record):
    """Observations to be made one after the other on `cores`, each within `limit_s`."""

    cores: list[int]
    threads: int
    provider: Provider
    limit_s: float
    requests: list[Request]
