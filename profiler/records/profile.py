"""Everything measured of one file on one target."""

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from profiler.records.base import Record
from profiler.records.complexity import Complexity
from profiler.records.fingerprint import Fingerprint
from profiler.records.latency import LatencyPoint
from profiler.records.throughput import ThroughputPoint
from profiler.records.warm_up import FirstInference, LoadTime
from profiler.target import Target

Level = Literal["quick"]


class Profile(Record):
    """Everything measured of one ONNX file on one target; `key` hashes what decides the measurement."""

    schema_version: Literal[1] = 1
    key: str
    level: Level
    target_name: str
    target: Target
    fingerprint: Fingerprint
    onnx_sha256: str
    complexity: Complexity
    latency: list[LatencyPoint]
    first_inference: list[FirstInference]
    load_time: LoadTime
    throughput: list[ThroughputPoint] = Field(min_length=1)
    max_throughput: ThroughputPoint
    probe_reference_per_s: float = Field(gt=0)
    settings: dict[str, JsonValue]
    measured_at: datetime
    seconds: float

    def latency_at(self, batch: int) -> LatencyPoint | None:
        """The measured latency of `batch`, if it was measured."""
        return next((point for point in self.latency if point.batch == batch), None)
