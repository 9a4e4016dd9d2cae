"""What a measurement is: frozen, validated values with units in their names and a reason beside every unknown.

Every point says whether it was measured or predicted, and every throughput under which offered load.
"""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from profiler.target import Target

Level = Literal["quick"]
Verdict = Literal["settled", "unsettled", "not saturated"]
Kind = Literal["measured", "predicted"]


class Record(BaseModel):
    """A frozen value; unknown is `None` with its reason in `reasons`, never 0 and never silent."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    reasons: dict[str, str] = {}

    @model_validator(mode="after")
    def every_unknown_has_a_reason(self) -> Self:
        unknown = {name for name in type(self).model_fields if getattr(self, name) is None}
        if unknown != set(self.reasons):
            raise ValueError(f"fields that are null {sorted(unknown)} and reasons {sorted(self.reasons)} differ")
        return self


class Complexity(Record):
    """Size and work of the graph for one input; FLOPs are twice the multiply-accumulates."""

    parameters: int = Field(ge=0)
    macs: int | None = Field(ge=0)
    flops: int | None = Field(ge=0)
    file_bytes: int = Field(ge=0)

    @model_validator(mode="after")
    def two_operations_for_each_accumulation(self) -> Self:
        if self.flops != (None if self.macs is None else 2 * self.macs):
            raise ValueError(f"flops {self.flops} are not twice the macs {self.macs}")
        return self


class Noise(Record):
    """What else the machine did while a point was measured; shares are of all cores, 0 to 1."""

    steal_share: float | None = Field(ge=0, le=1)
    load_1min: float = Field(ge=0)
    cpu_mhz: float | None = Field(gt=0)
    cgroup_cores: float | None = Field(gt=0)
    probe_per_s: float | None = Field(gt=0)


class LatencyPoint(Record):
    """Time of one warm, full batch, one at a time; percentiles only where `n` bounds them at 99 %."""

    kind: Kind = "measured"
    runtime: str
    batch: int = Field(ge=1)
    cores: int = Field(ge=1)
    threads: int = Field(ge=1)
    concurrency: Literal[1] = 1
    n: int = Field(ge=1)
    mean_ms: float = Field(gt=0)
    sd_ms: float | None = Field(ge=0)
    p50_ms: float | None = Field(gt=0)
    p50_low_ms: float | None = Field(gt=0)
    p50_high_ms: float | None = Field(gt=0)
    p90_ms: float | None = Field(gt=0)
    p95_ms: float | None = Field(gt=0)
    p99_ms: float | None = Field(gt=0)
    noise: Noise


class FirstInference(Record):
    """The first answer of a freshly loaded model, by batch, beside what the same batch takes once warm."""

    kind: Kind = "measured"
    runtime: str
    batch: int = Field(ge=1)
    first_ms: float = Field(gt=0)
    warm_ms: float = Field(gt=0)


class LoadTime(Record):
    """From the load call until the model answers ready, with the file in the page cache."""

    kind: Kind = "measured"
    runtime: str
    n: int = Field(ge=1)
    mean_ms: float = Field(gt=0)


class ThroughputPoint(Record):
    """Answers per second under a closed loop of `concurrency` requests of `batch` inputs each.

    `images_per_s` is the median over slices as it was counted, with its 95 % interval.
    `corrected_images_per_s` divides the machine's drift out: each slice is scaled by how fast the
    reference probe ran beside it against `Profile.probe_reference_per_s`.
    """

    kind: Kind = "measured"
    runtime: str
    offered: Literal["closed loop"] = "closed loop"
    batch: int = Field(ge=1)
    concurrency: int = Field(ge=1)
    cores: int = Field(ge=1)
    instances: int = Field(ge=1)
    slices: int = Field(ge=1)
    images_per_s: float = Field(gt=0)
    low_images_per_s: float | None = Field(gt=0)
    high_images_per_s: float | None = Field(gt=0)
    corrected_images_per_s: float = Field(gt=0)
    corrected_low_images_per_s: float | None = Field(gt=0)
    corrected_high_images_per_s: float | None = Field(gt=0)
    answers: int = Field(ge=1)
    server_answers: int | None = Field(ge=0)
    client_cpu_share: float = Field(ge=0)
    verdict: Verdict
    verdict_reason: str
    noise: Noise


class Fingerprint(Record):
    """What was measured on: never the clock rate or the load (state), never a price."""

    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    gpu_models: list[str]
    system: str
    runtime: str
    runtime_version: str | None
    backend_kind: Literal["cpp", "python", "in-process", "unknown"]
    onnxruntime_version: str | None
    cores: int
    threads: int
    instances: int


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
